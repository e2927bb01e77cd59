/**
 * How welcome a pod is in each value of each topology key, by what it prefers, and by what the pods
 * there prefer or need: counts to be added up, each with a factor.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/scoring.go, v1.36.
 */

import { matchesTerm, type NamespaceLabels } from '../../cache/affinity-terms.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { InterPodAffinityArgs } from '../../config/plugin-args.ts';
import type { ExistingTerms, TermKind } from './existing-terms.ts';
import type { PeerCounts } from './peer-counts.ts';
import type { ValueCounts } from './value-counts.ts';

export interface ScorePart {
  readonly counts: ValueCounts;
  readonly factor: number;
}

/** Only parts that count somewhere; `own` are the matches of the pod's preferred terms, weighted. */
export function scoreParts(
  { pod }: PodInfo,
  own: PeerCounts | undefined,
  existing: ExistingTerms,
  labelsOf: NamespaceLabels,
  { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }: InterPodAffinityArgs,
): readonly ScorePart[] {
  if (own === undefined && ignorePreferredTermsOfExistingPods) return [];
  const parts: ScorePart[] = [];
  for (const counts of own?.byKey.values() ?? []) {
    if (counts.total > 0) parts.push({ counts, factor: 1 });
  }
  const add = (kind: TermKind, factorOf: (weight: number) => number): void => {
    for (const { term, counts } of existing.of(kind)) {
      if (counts.total === 0 || !matchesTerm(term, pod, labelsOf)) continue;
      parts.push({ counts, factor: factorOf(term.weight) });
    }
  };
  if (hardPodAffinityWeight > 0) add('requiredAffinity', () => hardPodAffinityWeight);
  add('preferredAffinity', (weight) => weight);
  add('preferredAntiAffinity', (weight) => -weight);
  return parts;
}
