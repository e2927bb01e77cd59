/**
 * What would be counted otherwise where the node is, if pods came to it or left it: for preemption,
 * and for pods that are nominated to the node.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/filtering.go
 * updateWithPod, v1.36.
 */

import { matchesTerm, type NamespaceLabels } from '../../cache/affinity-terms.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';

/** By topology key: to be added to the count where the node is. */
type ByKey = ReadonlyMap<string, number>;

export interface AffinityChanges {
  readonly near: ByKey;
  readonly far: ByKey;
  readonly unwilling: ByKey;
}

export const NO_CHANGES: AffinityChanges = {
  near: new Map(),
  far: new Map(),
  unwilling: new Map(),
};

/** The changes with one more: a pod that came (1) or left (-1). */
export function withChange(
  changes: AffinityChanges,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  times: 1 | -1,
  labelsOf: NamespaceLabels,
): AffinityChanges {
  const labels = node.node.metadata.labels ?? {};
  const add = (counts: ByKey, keys: readonly string[]): ByKey => {
    const present = keys.filter((key) => labels[key] !== undefined);
    if (present.length === 0) return counts;
    const result = new Map(counts);
    for (const key of present) result.set(key, (result.get(key) ?? 0) + times);
    return result;
  };
  const keysOf = (terms: readonly { readonly topologyKey: string }[]): readonly string[] =>
    terms.map(({ topologyKey }) => topologyKey);
  const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
  const isNear =
    requiredAffinity.length > 0 &&
    requiredAffinity.every((term) => matchesTerm(term, other.pod, labelsOf));
  const far = requiredAntiAffinity.filter((term) => matchesTerm(term, other.pod, labelsOf));
  const unwilling = other.affinity.requiredAntiAffinity.filter((term) =>
    matchesTerm(term, pod.pod, labelsOf),
  );
  return {
    near: isNear ? add(changes.near, keysOf(requiredAffinity)) : changes.near,
    far: add(changes.far, keysOf(far)),
    unwilling: add(changes.unwilling, keysOf(unwilling)),
  };
}

export function totalChange(counts: ByKey): number {
  let total = 0;
  for (const change of counts.values()) total += change;
  return total;
}
