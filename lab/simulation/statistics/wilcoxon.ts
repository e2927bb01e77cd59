/**
 * Wilcoxon's signed-rank test on paired differences: how likely a rank sum so far from the middle is when
 * neither side is better (two-sided). It asks nothing of the distribution but symmetry.
 * Source: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics 1 (1945); ties by average
 * ranks, exact with ties by the shift algorithm of B. Streitberg and J. Röhmel, "Exact distributions for
 * permutation and rank tests" (1986); tie and continuity corrections as R's wilcox.test (stats 4.4).
 */

import { normalCdf } from './normal.ts';

export interface WilcoxonResult {
  /** The sum of the ranks of positive differences. */
  readonly rankSum: number;
  /** Differences that are not 0. */
  readonly count: number;
  /** Two-sided, 0 to 1; 1 when no difference is left. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

/** Up to this many differences the distribution is counted out: 2^50 cases, in a table of 2,551 sums. */
export const EXACT_MAX = 50;

/** Differences of 0 say nothing about a side and are left out, as Wilcoxon did. */
export function wilcoxonSignedRank(
  differences: readonly number[],
  options: { readonly exactMax?: number } = {},
): WilcoxonResult {
  const kept = differences.filter((difference) => difference !== 0);
  const doubled = doubledRanks(kept.map(Math.abs));
  let positive = 0;
  for (const [index, rank] of doubled.entries()) if ((kept[index] ?? 0) > 0) positive += rank;
  const rankSum = positive / 2;
  const count = kept.length;
  if (count === 0) return { rankSum, count, p: 1, method: 'exact' };
  if (count <= (options.exactMax ?? EXACT_MAX)) {
    return { rankSum, count, p: exactP(doubled, positive), method: 'exact' };
  }
  return { rankSum, count, p: normalP(doubled, rankSum), method: 'normal' };
}

/** Twice the average rank of each value, which is a whole number also for ties. */
function doubledRanks(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index);
  order.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Array<number>(values.length).fill(0);
  let start = 0;
  while (start < order.length) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    // Ranks start+1 to end, averaged and doubled.
    for (const index of order.slice(start, end)) ranks[index] = start + 1 + end;
    start = end;
  }
  return ranks;
}

/** Counts, over all choices of signs, how often each doubled rank sum comes up. */
function exactP(doubled: readonly number[], positive: number): number {
  const most = doubled.reduce((total, rank) => total + rank, 0);
  // As parts of all cases, so that nothing overflows.
  const parts = new Float64Array(most + 1);
  parts[0] = 1;
  let reached = 0;
  for (const rank of doubled) {
    reached += rank;
    for (let at = reached; at >= 0; at -= 1) {
      parts[at] = ((parts[at] ?? 0) + (at >= rank ? (parts[at - rank] ?? 0) : 0)) / 2;
    }
  }
  const lower = Math.min(positive, most - positive);
  let tail = 0;
  for (let at = 0; at <= lower; at += 1) tail += parts[at] ?? 0;
  return Math.min(1, 2 * tail);
}

function normalP(doubled: readonly number[], rankSum: number): number {
  const count = doubled.length;
  const ties = new Map<number, number>();
  for (const rank of doubled) ties.set(rank, (ties.get(rank) ?? 0) + 1);
  let correction = 0;
  for (const size of ties.values()) correction += (size ** 3 - size) / 48;
  const variance = (count * (count + 1) * (2 * count + 1)) / 24 - correction;
  const distance = Math.max(0, Math.abs(rankSum - (count * (count + 1)) / 4) - 0.5);
  return Math.min(1, 2 * normalCdf(-distance / Math.sqrt(variance)));
}
