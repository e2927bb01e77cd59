/**
 * How many equal bins (nodes) pieces need at the least, in one dimension: by volume, by Martello and
 * Toth's L2, and by dual-feasible functions. With several dimensions the largest of them counts.
 * Sources: S. Martello, P. Toth, "Lower bounds and reduction procedures for the bin packing problem",
 * Discrete Applied Mathematics 28 (1990), 3; dual-feasible.ts.
 */

import { dualFeasibleFunctions } from './dual-feasible.ts';

/** Pieces of one size. Whole numbers. */
export interface Pieces {
  readonly size: number;
  readonly count: number;
}

export interface BinBounds {
  readonly volume: number;
  readonly martelloToth: number;
  readonly dualFeasible: number;
}

/** Sums of parts are off by less than this; so little more than a whole number is that number. */
const ROUNDING = 1e-6;

/** Throws a RangeError when a piece is larger than the bin: no number of bins is enough. */
export function binsNeeded(pieces: readonly Pieces[], bin: number): BinBounds {
  const large = pieces.find(({ size }) => size > bin);
  if (large !== undefined) throw new RangeError(`A piece of ${large.size} fits no bin of ${bin}`);
  const kept = pieces.filter(({ size, count }) => size > 0 && count > 0);
  return {
    volume: up(kept.reduce((sum, { size, count }) => sum + size * count, 0) / bin),
    martelloToth: martelloToth(kept, bin),
    dualFeasible: dualFeasible(kept, bin),
  };
}

/**
 * L2: for a threshold α, pieces above bin - α and above bin/2 have a bin each; those of α to bin/2 use
 * what the second kind leaves, and then bins of their own. The best α counts.
 */
function martelloToth(pieces: readonly Pieces[], bin: number): number {
  let best = 0;
  const thresholds = new Set([0, ...pieces.map(({ size }) => size)]);
  for (const threshold of thresholds) {
    if (2 * threshold > bin) continue;
    let alone = 0;
    let shared = 0;
    let room = 0;
    let middle = 0;
    for (const { size, count } of pieces) {
      if (size > bin - threshold) alone += count;
      else if (2 * size > bin) {
        shared += count;
        room += (bin - size) * count;
      } else if (size >= threshold) middle += size * count;
    }
    best = Math.max(best, alone + shared + Math.max(0, up((middle - room) / bin)));
  }
  return best;
}

function dualFeasible(pieces: readonly Pieces[], bin: number): number {
  const sizes = pieces.map(({ size }) => size);
  let best = 0;
  for (const { of } of dualFeasibleFunctions(sizes, bin)) {
    best = Math.max(best, up(pieces.reduce((sum, { size, count }) => sum + of(size) * count, 0)));
  }
  return best;
}

function up(value: number): number {
  return Math.max(0, Math.ceil(value - ROUNDING));
}
