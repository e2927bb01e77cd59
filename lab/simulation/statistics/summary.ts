/**
 * Mean, standard deviation, percentiles and empirical distribution of a sample. Empty samples have no
 * such numbers and give NaN; callers print those as "n/a".
 */

export interface Summary {
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation (divisor n - 1); 0 for one value. */
  readonly sd: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** A step of an empirical distribution: the part (0 to 1) of the values that are at most `value`. */
export interface CdfPoint {
  readonly value: number;
  readonly part: number;
}

/** Sums with Neumaier's correction, so that the order of large and small values hardly matters. */
export function sum(values: readonly number[]): number {
  let total = 0;
  let lost = 0;
  for (const value of values) {
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : sum(values) / values.length;
}

/** Sample standard deviation, divisor n - 1. One value deviates by 0. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  if (values.length === 1) return 0;
  const center = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - center) ** 2)) / (values.length - 1));
}

/**
 * The value at this part (0 to 1) of the sorted sample, linear between two neighbours: at position
 * (n - 1)·part. Source: Hyndman and Fan 1996, definition 7; the default of R and numpy.
 */
export function quantile(values: readonly number[], part: number): number {
  return quantileOfSorted(values.toSorted(ascending), part);
}

/** As {@link quantile}, of a sample that is in ascending order already. */
export function quantileOfSorted(sorted: readonly number[], part: number): number {
  const position = Math.min(Math.max(part, 0), 1) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted(ascending);
  return {
    count: values.length,
    mean: mean(values),
    sd: standardDeviation(values),
    min: quantileOfSorted(sorted, 0),
    p50: quantileOfSorted(sorted, 0.5),
    p95: quantileOfSorted(sorted, 0.95),
    p99: quantileOfSorted(sorted, 0.99),
    max: quantileOfSorted(sorted, 1),
  };
}

/** The empirical distribution, a point for each different value, ascending; the last part is 1. */
export function empiricalCdf(values: readonly number[]): readonly CdfPoint[] {
  const sorted = values.toSorted(ascending);
  const points: CdfPoint[] = [];
  for (const [index, value] of sorted.entries()) {
    if (sorted[index + 1] !== value) points.push({ value, part: (index + 1) / sorted.length });
  }
  return points;
}

/**
 * The same distribution in at most this many points (2 or more), for a plot: the quantiles at even
 * parts, the least and greatest value among them.
 */
export function thinCdf(values: readonly number[], pointsMax: number): readonly CdfPoint[] {
  const exact = empiricalCdf(values);
  if (exact.length <= pointsMax) return exact;
  const sorted = values.toSorted(ascending);
  return Array.from({ length: pointsMax }, (_, index) => {
    const part = index / (pointsMax - 1);
    return { value: quantileOfSorted(sorted, part), part };
  });
}

function ascending(a: number, b: number): number {
  return a - b;
}
