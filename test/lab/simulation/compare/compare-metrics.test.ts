/** Policies side by side: pairs, intervals, tests, corrections, gaps. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compareMetrics,
  differenceOf,
  type MetricPlan,
} from '../../../../lab/simulation/compare/compare-metrics.ts';
import type { Metric } from '../../../../lab/simulation/compare/comparison.ts';

const METRIC: Metric = { name: 'm', title: 'M', unit: '%', better: 'higher', digits: 2 };
const SEEDS = [1, 2, 3, 4, 5, 6];

function plan(changes: Partial<MetricPlan> = {}): MetricPlan {
  return {
    policies: ['a', 'b', 'c'],
    seeds: SEEDS,
    metrics: [METRIC],
    baseline: 'a',
    bounds: [],
    ...changes,
  };
}

function runs(numberOf: (policy: string, seed: number) => number) {
  return ['a', 'b', 'c'].flatMap((policy) =>
    SEEDS.map((seed) => ({ policy, seed, metrics: { m: numberOf(policy, seed) } })),
  );
}

describe('compareMetrics', () => {
  it('takes differences within a seed: what the seeds have in common goes out', () => {
    const shift = { a: 0, b: 1, c: 0 } as Readonly<Record<string, number>>;
    const [a, b, c] = compareMetrics(
      runs((policy, seed) => seed * 100 + (shift[policy] ?? 0) + (policy === 'b' ? seed / 100 : 0)),
      plan(),
    );
    assert.equal(a?.m?.difference, undefined);
    assert.ok(Math.abs((b?.m?.difference?.mean ?? 0) - 1.035) < 1e-9);
    assert.ok((b?.m?.difference?.low ?? 0) > 1 && (b?.m?.difference?.high ?? 9) < 1.06);
    assert.equal(b?.m?.difference?.p, 2 / 64);
    assert.equal(b?.m?.difference?.pHolm, 4 / 64);
    assert.deepEqual([b?.m?.difference?.above, b?.m?.difference?.below], [6, 0]);
    assert.equal(c?.m?.difference?.p, 1);
    assert.equal(c?.m?.difference?.mean, 0);
    assert.equal(b?.m?.sd !== null && (b?.m?.sd ?? 0) > 100, true);
  });

  it('closes the gap from random to the bound', () => {
    const values = { a: 60, b: 90, c: 80 } as Readonly<Record<string, number>>;
    const bound = { metric: 'm', values: [], mean: 100, sd: 0, how: '' };
    const outcomes = compareMetrics(
      runs((policy) => values[policy] ?? 0),
      plan({ baseline: 'c', random: 'a', bounds: [bound] }),
    );
    assert.deepEqual(
      outcomes.map(({ m }) => m?.gapClosed),
      [undefined, 0.75, 0.5],
    );
  });

  it('leaves out what a run does not have, and keeps the pairs in step', () => {
    const some = runs((_, seed) => seed).filter(({ policy, seed }) => policy !== 'b' || seed > 2);
    const [, b] = compareMetrics(some, plan());
    assert.deepEqual(b?.m?.values, [null, null, 3, 4, 5, 6]);
    assert.equal(b?.m?.difference?.pairs, 4);
    const [none] = compareMetrics([], plan());
    assert.deepEqual([none?.m?.mean, none?.m?.sd], [null, null]);
  });
});

describe('differenceOf', () => {
  it('has no interval of one pair, and nothing of none', () => {
    assert.deepEqual(differenceOf([2], [1]), {
      pairs: 1,
      mean: 1,
      low: null,
      high: null,
      p: 1,
      method: 'exact',
      above: 1,
      below: 0,
    });
    assert.equal(differenceOf([null], [1]), undefined);
  });

  it('takes rounding for equality', () => {
    assert.equal(differenceOf([0.1 + 0.2], [0.3])?.above, 0);
  });
});
