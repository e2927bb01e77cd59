/** Means, percentiles and distributions against numbers of numpy 2.4. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  empiricalCdf,
  quantile,
  standardDeviation,
  sum,
  summarize,
  thinCdf,
} from '../../../../lab/simulation/statistics/summary.ts';

const VALUES = [1.2, 0.8, 1.9, 0.3, 1.1, 2.6, 0.9, 1.4, 0.7, 1.0];

function near(actual: number, expected: number, within = 1e-12): void {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);
}

describe('summary', () => {
  it('gives the numbers of numpy', () => {
    const { mean, sd, p50, p95, min, max, count } = summarize(VALUES);
    near(mean, 1.19);
    near(sd, 0.6539622822966679);
    near(p50, 1.05);
    near(p95, 2.285);
    near(quantile(VALUES, 0.05), 0.48);
    assert.deepEqual([min, max, count], [0.3, 2.6, 10]);
  });

  it('says NaN of nothing, and no deviation of one value', () => {
    assert.ok(Number.isNaN(summarize([]).mean));
    assert.ok(Number.isNaN(summarize([]).p99));
    assert.equal(standardDeviation([4]), 0);
  });

  it('sums without losing the small beside the large', () => {
    assert.equal(sum([1e100, 1, -1e100, 1]), 2);
  });

  it('has a point for each different value of a distribution', () => {
    assert.deepEqual(empiricalCdf([3, 1, 1, 2]), [
      { value: 1, part: 0.5 },
      { value: 2, part: 0.75 },
      { value: 3, part: 1 },
    ]);
    assert.deepEqual(empiricalCdf([]), []);
  });

  it('thins a distribution without leaving its range or its order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1 }), (values) => {
        const points = thinCdf(values, 7);
        assert.ok(points.length <= Math.max(7, 1));
        assert.equal(points.at(-1)?.part, 1);
        assert.equal(points.at(-1)?.value, Math.max(...values));
        for (const [index, point] of points.entries()) {
          const next = points[index + 1];
          if (next !== undefined) assert.ok(point.value <= next.value && point.part < next.part);
        }
      }),
    );
  });
});
