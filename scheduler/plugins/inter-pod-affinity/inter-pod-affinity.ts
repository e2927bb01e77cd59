/**
 * Keeps pods near the pods they want to be with and away from those they don't, also when it is the
 * others who don't want them.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity, v1.36.
 */

import { matchesTerm, type NamespaceLabels } from '../../cache/affinity-terms.ts';
import { KeptTables } from '../../cache/kept-tables.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import { DEFAULT_PLUGIN_ARGS, type InterPodAffinityArgs } from '../../config/plugin-args.ts';
import type { CycleState, StateKey } from '../../framework/cycle-state.ts';
import { type Plugin, SCORE_MAX, type Scores } from '../../framework/plugin.ts';
import { SKIP, type Status, unresolvable, unschedulable } from '../../framework/status.ts';
import { type ExistingTerm, ExistingTerms } from './existing-terms.ts';
import { type CountedTerm, PeerCounts, type PeerMode } from './peer-counts.ts';
import { type ScorePart, scoreParts } from './score-parts.ts';
import { type AffinityChanges, NO_CHANGES, totalChange, withChange } from './what-if.ts';

/** What Filter sees of the pods there are. */
interface Counts {
  /** Those that all of the pod's affinity terms match. */
  readonly near: PeerCounts | undefined;
  /** Those that its anti-affinity terms match. */
  readonly far: PeerCounts | undefined;
  /** Anti-affinity terms of existing pods that match the pod. */
  readonly unwilling: readonly ExistingTerm[];
}

const COUNTS: StateKey<Counts> = { name: 'InterPodAffinity/counts' };
/** Absent: nothing is thought to be otherwise. */
const CHANGES: StateKey<AffinityChanges> = { name: 'InterPodAffinity/changes' };
const SCORES: StateKey<readonly ScorePart[]> = { name: 'InterPodAffinity/scores' };
const SNAPSHOT: StateKey<Snapshot> = { name: 'InterPodAffinity/snapshot' };

export function newInterPodAffinity(
  labelsOf: NamespaceLabels,
  args: InterPodAffinityArgs = DEFAULT_PLUGIN_ARGS.InterPodAffinity,
): Plugin {
  const peers = new KeptTables<PeerCounts>();
  const existing = new ExistingTerms();
  const countsOf = (
    terms: readonly CountedTerm[],
    mode: PeerMode,
    snapshot: Snapshot,
  ): PeerCounts | undefined => {
    if (terms.length === 0) return undefined;
    const make = (): PeerCounts => new PeerCounts(terms, mode, labelsOf);
    const counts = peers.of(PeerCounts.keyOf(terms, mode), snapshot, make);
    counts.bringUpToDate(snapshot);
    return counts;
  };
  return {
    name: 'InterPodAffinity',
    events: [
      { kind: 'AssignedPodAdd' },
      { kind: 'AssignedPodUpdate' },
      { kind: 'AssignedPodDelete' },
      { kind: 'NodeAdd' },
      { kind: 'NodeUpdateLabel' },
    ],
    preFilter: (state, pod, snapshot) => {
      state.write(SNAPSHOT, snapshot);
      existing.bringUpToDate(snapshot);
      const unwilling: ExistingTerm[] = [];
      for (const each of existing.of('requiredAntiAffinity')) {
        const isThere = each.counts.total > 0;
        if (isThere && matchesTerm(each.term, pod.pod, labelsOf)) unwilling.push(each);
      }
      const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
      const near = countsOf(requiredAffinity.map(once), 'all', snapshot);
      const far = countsOf(requiredAntiAffinity.map(once), 'each', snapshot);
      if (near === undefined && far === undefined && unwilling.length === 0) {
        return { status: SKIP };
      }
      state.write(COUNTS, { near, far, unwilling });
      return {};
    },
    filter: (state, pod, node) => {
      const counts = state.read(COUNTS);
      const changes = state.read(CHANGES) ?? NO_CHANGES;
      return counts === undefined ? undefined : judge(pod, node, counts, changes, labelsOf);
    },
    preFilterExtensions: {
      addPod: (...step) => note(...step, 1, labelsOf),
      removePod: (...step) => note(...step, -1, labelsOf),
    },
    preScore: (state, pod) => {
      const snapshot = state.read(SNAPSHOT);
      if (snapshot === undefined) return SKIP;
      existing.bringUpToDate(snapshot);
      const { preferredAffinity, preferredAntiAffinity } = pod.affinity;
      const terms = [
        ...preferredAffinity.map((term) => ({ term, amount: term.weight })),
        ...preferredAntiAffinity.map((term) => ({ term, amount: -term.weight })),
      ];
      const parts = scoreParts(pod, countsOf(terms, 'each', snapshot), existing, labelsOf, args);
      if (parts.length === 0) return SKIP;
      state.write(SCORES, parts);
      return undefined;
    },
    score: (state, _pod, node) => {
      let total = 0;
      for (const { counts, factor } of state.read(SCORES) ?? []) total += counts.at(node) * factor;
      return total;
    },
    normalizeScore: (_state, _pod, scores) => normalize(scores),
  };
}

function once(term: CountedTerm['term']): CountedTerm {
  return { term, amount: 1 };
}

function note(
  state: CycleState,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  times: 1 | -1,
  labelsOf: NamespaceLabels,
): undefined {
  const before = state.read(CHANGES) ?? NO_CHANGES;
  state.write(CHANGES, withChange(before, pod, other, node, times, labelsOf));
}

function judge(
  pod: PodInfo,
  node: NodeInfo,
  { near, far, unwilling }: Counts,
  changes: AffinityChanges,
  labelsOf: NamespaceLabels,
): Status | undefined {
  const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
  if (near !== undefined) {
    const labels = node.node.metadata.labels ?? {};
    const hasKeys = requiredAffinity.every(({ topologyKey }) => labels[topologyKey] !== undefined);
    const isNear = requiredAffinity.every(
      ({ topologyKey: key }) => near.at(node, key) + (changes.near.get(key) ?? 0) > 0,
    );
    // The first of a group that wants to be together has nobody to be with yet.
    const isFirst = (): boolean =>
      near.total + totalChange(changes.near) === 0 &&
      requiredAffinity.every((term) => matchesTerm(term, pod.pod, labelsOf));
    if (!hasKeys || !(isNear || isFirst())) {
      return unresolvable("node(s) didn't match pod affinity rules");
    }
  }
  const isFar = requiredAntiAffinity.some(
    ({ topologyKey: key }) => (far?.at(node, key) ?? 0) + (changes.far.get(key) ?? 0) > 0,
  );
  if (isFar) {
    return unschedulable("node(s) didn't match pod anti-affinity rules");
  }
  if (isUnwilling(node, unwilling, changes.unwilling)) {
    return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
  }
  return undefined;
}

/** Whether a pod where the node is, by any key, doesn't want the pod there. */
function isUnwilling(
  node: NodeInfo,
  terms: readonly ExistingTerm[],
  changes: AffinityChanges['unwilling'],
): boolean {
  if (changes.size === 0) return terms.some(({ counts }) => counts.at(node) > 0);
  const byKey = new Map(changes);
  for (const { term, counts } of terms) {
    const { topologyKey } = term;
    byKey.set(topologyKey, (byKey.get(topologyKey) ?? 0) + counts.at(node));
  }
  return [...byKey.values()].some((count) => count > 0);
}

/** The lowest becomes 0, the highest 100; all 0 when they are the same. */
function normalize(scores: Scores): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    if (score < min) min = score;
    if (score > max) max = score;
  }
  const range = max - min;
  for (let index = 0; index < scores.length; index += 1) {
    const share = range === 0 ? 0 : ((scores[index] ?? 0) - min) / range;
    scores[index] = Math.trunc(SCORE_MAX * share);
  }
}
