/** Axes: round marks, places, and names that do not overlap. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  linearScale,
  logScale,
  spreadApart,
  tickText,
} from '../../../../lab/simulation/report/scale.ts';

describe('linearScale', () => {
  it('has round marks around the values', () => {
    const scale = linearScale({ from: 86.2, to: 97.2 }, { from: 0, to: 100 });
    assert.deepEqual(scale.ticks, [86, 88, 90, 92, 94, 96, 98]);
    assert.equal(scale.place(86), 0);
    assert.equal(scale.place(98), 100);
  });

  it('keeps exact ends when asked to, also of one value', () => {
    const scale = linearScale({ from: 3, to: 131 }, { from: 0, to: 1 }, { isExact: true });
    assert.equal(scale.place(3), 0);
    assert.equal(scale.place(131), 1);
    assert.ok(linearScale({ from: 0, to: 0 }, { from: 0, to: 1 }).ticks.length > 1);
  });

  it('places every value between the ends, whatever the size', () => {
    const value = fc.integer({ min: -1e9, max: 1e9 }).map((whole) => whole / 1000);
    fc.assert(
      fc.property(value, value, (a, b) => {
        const scale = linearScale({ from: Math.min(a, b), to: Math.max(a, b) }, { from: 0, to: 1 });
        for (const one of [a, b])
          assert.ok(scale.place(one) >= -1e-6 && scale.place(one) <= 1 + 1e-6);
        assert.ok(scale.ticks.length >= 2 && scale.ticks.length < 20);
      }),
    );
  });
});

describe('logScale', () => {
  it('marks powers of ten', () => {
    const scale = logScale({ from: 0.1, to: 1000 }, { from: 0, to: 4 });
    assert.deepEqual(scale.ticks, [0.1, 1, 10, 100, 1000]);
    assert.ok(Math.abs(scale.place(10) - 2) < 1e-9);
  });
});

describe('tickText', () => {
  it('is short', () => {
    assert.deepEqual([0.25, 1500, 20_000, 3_000_000, -2].map(tickText), [
      '0.25',
      '1500',
      '20k',
      '3M',
      '−2',
    ]);
  });
});

describe('spreadApart', () => {
  it('moves names as little as may be', () => {
    assert.deepEqual(spreadApart([10, 50], 16, { from: 0, to: 100 }), [10, 50]);
    assert.deepEqual(spreadApart([50, 50], 16, { from: 0, to: 100 }), [42, 58]);
  });

  it('keeps them apart and in order, within the limits', () => {
    const places = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(places, (wishes) => {
        const moved = spreadApart(wishes, 16, { from: 0, to: 300 });
        const sorted = moved.toSorted((a, b) => a - b);
        for (const [i, place] of sorted.entries()) {
          const next = sorted[i + 1];
          if (next !== undefined) assert.ok(next - place >= 16 - 1e-6);
          assert.ok(place >= -1e-6 && place <= 300 + 1e-6);
        }
        for (const [i, a] of wishes.entries()) {
          for (const [j, b] of wishes.entries()) {
            if (a < b) assert.ok((moved[i] ?? 0) < (moved[j] ?? 0));
          }
        }
      }),
    );
  });
});
