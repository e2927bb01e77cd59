/** The normal distribution, bootstrap and Wilcoxon against numbers of scipy 1.17. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bootstrapMean } from '../../../../lab/simulation/statistics/bootstrap.ts';
import { normalCdf, normalQuantile } from '../../../../lab/simulation/statistics/normal.ts';
import { wilcoxonSignedRank } from '../../../../lab/simulation/statistics/wilcoxon.ts';
import { seededRandom } from '../../../../scheduler/seeded-random.ts';

function near(actual: number, expected: number, relative = 1e-12): void {
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected),
    `${actual} is not ${expected}`,
  );
}

/** Darwin's maize, eighths of an inch: R. A. Fisher, "The design of experiments", table 3. */
const MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];

/** Sixty draws of numpy's normal(0.3, 1), generator seed 1, rounded. */
const SIXTY = [
  0.646, 1.122, 0.63, -1.003, 1.205, 0.746, -0.237, 0.881, 0.665, 0.594, 0.328, 0.847, -0.436,
  0.137, -0.182, 0.899, 0.34, 0.008, -0.482, 0.043, 0.308, 0.024, 1.594, 1.307, -2.411, -1.589,
  0.125, -0.122, 0.514, 0.517, 2.418, -0.812, -0.078, 2.343, 0.947, 0.963, -0.214, -1.348, 0.467,
  0.409, -0.927, -0.383, 0.228, -0.645, 0.202, 0.395, 0.336, -0.206, 0.894, 1.191, 0.621, -0.518,
  1.032, -0.201, 1.179, -0.772, 1.214, 0.28, -0.949, -0.014,
];

describe('normal distribution', () => {
  it('gives scipy.stats.norm.cdf', () => {
    const known: readonly (readonly [number, number])[] = [
      [-8, 6.22096057427174e-16],
      [-3.5, 0.00023262907903552502],
      [-1.96, 0.024997895148220435],
      [-0.3, 0.3820885778110474],
      [0.7, 0.758036347776927],
      [2.9, 0.998134186699616],
      [4, 0.9999683287581669],
    ];
    for (const [z, p] of known) near(normalCdf(z), p, 1e-11);
  });

  it('gives scipy.stats.norm.ppf', () => {
    near(normalQuantile(1e-6), -4.753424308822899);
    near(normalQuantile(0.025), -1.9599639845400545);
    near(normalQuantile(0.3), -0.5244005127080409);
    near(normalQuantile(0.975), 1.959963984540054);
    assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
    assert.ok(Number.isNaN(normalQuantile(1.1)));
  });
});

describe('wilcoxonSignedRank', () => {
  it('is exact without ties: scipy.stats.wilcoxon', () => {
    const maize = wilcoxonSignedRank(MAIZE);
    assert.deepEqual(maize, { rankSum: 96, count: 15, p: 0.041259765625, method: 'exact' });
    assert.equal(wilcoxonSignedRank([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).p, 0.001953125);
  });

  it('is exact with ties and zeros: scipy PermutationMethod over all signs', () => {
    assert.equal(wilcoxonSignedRank([1, 1, -1, 2, 2, -3, 3, 3, 4, 0]).p, 0.140625);
  });

  it('approximates with tie and continuity correction: scipy approx, correction=True', () => {
    near(wilcoxonSignedRank(MAIZE, { exactMax: 0 }).p, 0.043772323763041174);
    near(wilcoxonSignedRank([1, 1, -1, 2, 2, -3, 3, 3, 4], { exactMax: 0 }).p, 0.12056373890767272);
    const sixty = wilcoxonSignedRank(SIXTY);
    assert.equal(sixty.method, 'normal');
    near(sixty.p, 0.015281075670749017);
  });

  it('finds nothing in nothing', () => {
    assert.equal(wilcoxonSignedRank([]).p, 1);
    assert.equal(wilcoxonSignedRank([0, 0]).p, 1);
  });

  it('counts as a slow walk over all signs does, and both directions alike', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 9 }), (values) => {
        const { p } = wilcoxonSignedRank(values);
        near(p, slowP(values));
        near(wilcoxonSignedRank(values.map((value) => -value)).p, p);
      }),
    );
  });
});

describe('bootstrapMean', () => {
  const interval = (values: readonly number[], seed = 1) =>
    bootstrapMean(values, { random: seededRandom(seed), resamples: 200_000 });

  it('gives the ends of scipy.stats.bootstrap, method BCa, of two million resamples', () => {
    const even = interval([1.2, 0.8, 1.9, 0.3, 1.1, 2.6, 0.9, 1.4, 0.7, 1.0]);
    near(even.low, 0.88, 0.01);
    near(even.high, 1.68, 0.01);
    const skewed = interval([-3.0, 0.1, 0.2, 0.4, 0.5, 0.6, 9.5]);
    near(skewed.low, -0.6142857142857142, 0.03);
    near(skewed.high, 5.557142857142857, 0.01);
  });

  it('is the same for the same seed, and exact where there is no spread', () => {
    assert.deepEqual(interval([1, 2, 4], 7), interval([1, 2, 4], 7));
    assert.deepEqual(interval([2, 2, 2]), { low: 2, high: 2 });
    assert.ok(Number.isNaN(interval([2]).low));
  });

  it('lies within the values and around nearly every mean', () => {
    const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(values, (sample) => {
        const { low, high } = bootstrapMean(sample, { random: seededRandom(3), resamples: 500 });
        assert.ok(low >= Math.min(...sample) - 1e-9 && high <= Math.max(...sample) + 1e-9);
        assert.ok(low <= high);
      }),
    );
  });
});

/** All choices of signs, one by one. */
function slowP(values: readonly number[]): number {
  const kept = values.filter((value) => value !== 0);
  const sizes = kept.map(Math.abs);
  const rankOf = (size: number): number => {
    const less = sizes.filter((other) => other < size).length;
    const equal = sizes.filter((other) => other === size).length;
    return less + (equal + 1) / 2;
  };
  const ranks = sizes.map(rankOf);
  const middle = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const distanceOf = (isPositive: (index: number) => boolean): number =>
    Math.abs(ranks.reduce((sum, rank, index) => sum + (isPositive(index) ? rank : 0), 0) - middle);
  const seen = distanceOf((index) => (kept[index] ?? 0) > 0);
  let extreme = 0;
  for (let signs = 0; signs < 2 ** kept.length; signs += 1) {
    if (distanceOf((index) => ((signs >> index) & 1) === 1) >= seen) extreme += 1;
  }
  return extreme / 2 ** kept.length;
}
