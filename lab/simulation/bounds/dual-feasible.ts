/**
 * Dual-feasible functions: they change the sizes of pieces, and pieces that fit into one bin still sum to
 * at most 1 after it. What the changed sizes sum to is therefore a bound, often sharper than the volume:
 * two pieces of 0.6 do not share a bin, and u(0.6) = 1 knows it.
 * Source: S. Fekete, J. Schepers, "New classes of fast lower bounds for bin packing problems",
 * Mathematical Programming 91 (2001), theorems 1 to 3 (u^(k), U^(ε), φ^(ε)).
 *
 * Sizes and the bin are whole numbers, so that "fits exactly" is exact.
 */

export interface DualFeasibleFunction {
  /** Such as `u3`, `U110` or `phi230`. */
  readonly name: string;
  /** What a piece of this size (0 to the bin's) counts, 0 to 1. */
  readonly of: (size: number) => number;
}

/** u^(k) up to here: beyond it they differ only for pieces of which more than this many fill a bin. */
export const STEPS_MAX = 32;

/**
 * The functions that can matter for pieces of these sizes; the first is the volume itself.
 * `stepsMax` bounds k of u^(k); `thresholdsMax` how many ε are tried.
 */
export function dualFeasibleFunctions(
  sizes: Iterable<number>,
  bin: number,
  options: { readonly stepsMax?: number; readonly thresholdsMax?: number } = {},
): readonly DualFeasibleFunction[] {
  const functions: DualFeasibleFunction[] = [{ name: 'volume', of: (size) => size / bin }];
  for (let k = 1; k <= (options.stepsMax ?? STEPS_MAX); k += 1) functions.push(stepped(k, bin));
  const thresholds = thresholdsOf(sizes, bin).slice(0, options.thresholdsMax);
  for (const threshold of thresholds) {
    functions.push(withoutSmall(threshold, bin), counting(threshold, bin));
  }
  return functions;
}

/** Where U and φ change: at each size and at what it leaves of the bin, up to a half; largest first. */
function thresholdsOf(sizes: Iterable<number>, bin: number): readonly number[] {
  const found = new Set<number>();
  for (const size of sizes) {
    for (const threshold of [size, size + 1, bin - size, bin - size + 1]) {
      if (threshold > 0 && 2 * threshold <= bin) found.add(threshold);
    }
  }
  return [...found].sort((a, b) => b - a);
}

/** u^(k): rounds down to k-ths, where a multiple of 1/(k+1) keeps its size. */
function stepped(k: number, bin: number): DualFeasibleFunction {
  return {
    name: `u${k}`,
    of: (size) => {
      const scaled = (k + 1) * size;
      return scaled % bin === 0 ? size / bin : Math.floor(scaled / bin) / k;
    },
  };
}

/** U^(ε): a piece that leaves less than ε fills the bin, one below ε counts nothing. */
function withoutSmall(threshold: number, bin: number): DualFeasibleFunction {
  return {
    name: `U${threshold}`,
    of: (size) => {
      if (size > bin - threshold) return 1;
      return size < threshold ? 0 : size / bin;
    },
  };
}

/** φ^(ε): counts how many pieces of ε a piece, or what it leaves, is worth. */
function counting(threshold: number, bin: number): DualFeasibleFunction {
  const most = Math.floor(bin / threshold);
  return {
    name: `phi${threshold}`,
    of: (size) => {
      if (2 * size > bin) return 1 - Math.floor((bin - size) / threshold) / most;
      return size < threshold ? 0 : 1 / most;
    },
  };
}
