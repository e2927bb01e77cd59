/**
 * How welcome a pod is in each value of each topology key, by what it prefers, and by what the pods
 * there prefer or need.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/scoring.go, v1.36.
 */

import {
  type AffinityTerm,
  hasAffinity,
  matchesTerm,
  type NamespaceLabels,
} from '../../../scheduler/cache/affinity-terms.ts';
import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';
import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import type { InterPodAffinityArgs } from '../../../scheduler/config/plugin-args.ts';

/** Topology key -> value -> score. */
export type TopologyScores = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function scoreTopologies(
  pod: PodInfo,
  snapshot: Snapshot,
  labelsOf: NamespaceLabels,
  args: InterPodAffinityArgs,
): TopologyScores {
  const scores = new Map<string, Map<string, number>>();
  const { preferredAffinity, preferredAntiAffinity } = pod.affinity;
  const isAsking = preferredAffinity.length > 0 || preferredAntiAffinity.length > 0;
  if (!isAsking && args.ignorePreferredTermsOfExistingPods) return scores;
  const hardWeight = args.hardPodAffinityWeight;
  for (const node of snapshot.nodes) {
    if (!isAsking && node.podsWithAffinity === 0) continue;
    const add = (
      terms: readonly AffinityTerm[],
      whom: PodInfo,
      weightOf: (term: AffinityTerm) => number,
    ): void => {
      for (const term of terms) {
        const value = node.node.metadata.labels?.[term.topologyKey];
        if (value === undefined || !matchesTerm(term, whom.pod, labelsOf)) continue;
        const ofKey = scores.get(term.topologyKey) ?? new Map<string, number>();
        scores.set(term.topologyKey, ofKey.set(value, (ofKey.get(value) ?? 0) + weightOf(term)));
      }
    };
    for (const existing of node.pods.values()) {
      const theirs = existing.affinity;
      if (!isAsking && !hasAffinity(theirs)) continue;
      add(preferredAffinity, existing, ({ weight }) => weight);
      add(preferredAntiAffinity, existing, ({ weight }) => -weight);
      if (hardWeight > 0) add(theirs.requiredAffinity, pod, () => hardWeight);
      add(theirs.preferredAffinity, pod, ({ weight }) => weight);
      add(theirs.preferredAntiAffinity, pod, ({ weight }) => -weight);
    }
  }
  return scores;
}

export function totalOf(scores: TopologyScores, node: NodeInfo): number {
  let total = 0;
  for (const [key, values] of scores) {
    const value = node.node.metadata.labels?.[key];
    if (value !== undefined) total += values.get(value) ?? 0;
  }
  return total;
}
