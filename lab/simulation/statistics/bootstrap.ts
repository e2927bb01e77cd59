/**
 * How sure a mean is: a bootstrap interval of the mean of a few values (one per seed), bias-corrected and
 * accelerated. The same values and seed give the same interval.
 * Source: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987); the acceleration by jackknife
 * as in Efron and Tibshirani, "An introduction to the bootstrap" (1993), 14.3.
 */

import { normalCdf, normalQuantile } from './normal.ts';
import { mean, quantileOfSorted, sum } from './summary.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** Numbers in [0, 1), of a generator with its own seed. */
  readonly random: () => number;
  /** Part of the intervals that hold the true mean, 0 to 1. */
  readonly level?: number;
  readonly resamples?: number;
}

/** The end points of a 95 % interval vary by about 1 % of its width at this number. */
export const RESAMPLES = 10_000;
export const LEVEL = 0.95;

/**
 * The BCa interval of the mean. Of a sample without spread, both ends are its value; of fewer than two
 * values there is no interval, and both are NaN.
 */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions): Interval {
  const count = values.length;
  if (count < 2) return { low: Number.NaN, high: Number.NaN };
  const center = mean(values);
  if (values.every((value) => value === values[0])) return { low: center, high: center };
  const means = resampledMeans(values, options);
  const bias = normalQuantile(partBelow(means, center));
  const acceleration = accelerationOf(values, center);
  const outer = (1 - (options.level ?? LEVEL)) / 2;
  const at = (part: number): number => {
    const z = bias + normalQuantile(part);
    return quantileOfSorted(means, normalCdf(bias + z / (1 - acceleration * z)));
  };
  return { low: at(outer), high: at(1 - outer) };
}

/** The means of samples drawn with replacement, ascending. */
function resampledMeans(values: readonly number[], options: BootstrapOptions): readonly number[] {
  const count = values.length;
  const means = new Float64Array(options.resamples ?? RESAMPLES);
  for (let i = 0; i < means.length; i += 1) {
    let total = 0;
    for (let k = 0; k < count; k += 1) {
      total += values[Math.floor(options.random() * count)] ?? 0;
    }
    means[i] = total / count;
  }
  return [...means.sort()];
}

/** Ties count half; kept off 0 and 1, where the normal quantile is infinite. */
function partBelow(sorted: readonly number[], center: number): number {
  // Two orders of one addition may differ in the last bit: that is a tie.
  const nearly = Math.abs(center) * 1e-12;
  const below = sorted.filter((value) => value < center - nearly).length;
  const equal = sorted.filter((value) => Math.abs(value - center) <= nearly).length;
  const part = (below + equal / 2) / sorted.length;
  return Math.min(Math.max(part, 0.5 / sorted.length), 1 - 0.5 / sorted.length);
}

/** The skewness of the mean, from leaving out one value at a time. */
function accelerationOf(values: readonly number[], center: number): number {
  // Leaving out a value moves the mean by (mean - value)/(n - 1): the factor cancels.
  const moves = values.map((value) => value - center);
  const squares = sum(moves.map((move) => move ** 2));
  const cubes = sum(moves.map((move) => move ** 3));
  return cubes / (6 * squares ** 1.5);
}
