/**
 * Where two policies part on the same arrivals: the first pod that they place otherwise, and how far they
 * are apart at the end. After the first difference they see different clusters, so later differences may
 * only follow from it.
 */

import type { DecisionDiff, FirstDifference } from './comparison.ts';

/** The placements of one run, a pod each, in the order in which they were first decided. */
export interface PlacementLog {
  readonly policy: string;
  readonly seed: number;
  readonly pods: readonly string[];
  /** The node of each pod; `undefined` when it was never placed. */
  readonly nodes: readonly (string | undefined)[];
}

export interface Parting {
  /** Everything that can be told from the placements alone. */
  readonly diff: Omit<DecisionDiff, 'first'>;
  readonly first?: Pick<FirstDifference, 'index' | 'pod' | 'node' | 'baselineNode'>;
}

/** Compares pod by pod, in the order of the baseline; pods that only one of them has are left out. */
export function diffPlacements(own: PlacementLog, baseline: PlacementLog): Parting {
  const ownNodes = new Map(own.pods.map((pod, i) => [pod, own.nodes[i]]));
  const counts = { decisions: 0, different: 0, placedHereOnly: 0, placedThereOnly: 0 };
  let first: Parting['first'];
  for (const [index, pod] of baseline.pods.entries()) {
    if (!ownNodes.has(pod)) continue;
    const node = ownNodes.get(pod);
    const baselineNode = baseline.nodes[index];
    counts.decisions += 1;
    if (node === baselineNode) continue;
    counts.different += 1;
    if (baselineNode === undefined) counts.placedHereOnly += 1;
    if (node === undefined) counts.placedThereOnly += 1;
    first ??= {
      index,
      pod,
      ...(node === undefined ? {} : { node }),
      ...(baselineNode === undefined ? {} : { baselineNode }),
    };
  }
  return {
    diff: { policy: own.policy, baseline: baseline.policy, seed: own.seed, ...counts },
    ...(first === undefined ? {} : { first }),
  };
}
