/**
 * InterPodAffinity as plainly as it can be written, to compare the product's with: it looks at every pod
 * of every node in each cycle.
 *
 * Keeps pods near the pods they want to be with and away from those they don't, also when it is the
 * others who don't want them.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity, v1.36.
 */

import {
  type AffinityTerm,
  matchesTerm,
  type NamespaceLabels,
} from '../../../scheduler/cache/affinity-terms.ts';
import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';
import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import {
  DEFAULT_PLUGIN_ARGS,
  type InterPodAffinityArgs,
} from '../../../scheduler/config/plugin-args.ts';
import type { CycleState, StateKey } from '../../../scheduler/framework/cycle-state.ts';
import { type Plugin, SCORE_MAX, type Scores } from '../../../scheduler/framework/plugin.ts';
import {
  SKIP,
  type Status,
  unresolvable,
  unschedulable,
} from '../../../scheduler/framework/status.ts';
import {
  type AffinityChanges,
  NO_CHANGES,
  totalChange,
  withChange,
} from '../../../scheduler/plugins/inter-pod-affinity/what-if.ts';
import { TopologyCounts } from './topology-counts.ts';
import { scoreTopologies, type TopologyScores, totalOf } from './topology-scores.ts';

/** How many pods of each kind there are in each value of a topology key. */
interface Counts {
  /** Existing pods that all of the pod's affinity terms match. */
  readonly near: TopologyCounts;
  /** Existing pods that one of its anti-affinity terms matches. */
  readonly far: TopologyCounts;
  /** Existing pods with an anti-affinity term that matches the pod. */
  readonly unwilling: TopologyCounts;
}

const COUNTS: StateKey<Counts> = { name: 'InterPodAffinity/counts' };
/** Absent: nothing is thought to be otherwise. */
const CHANGES: StateKey<AffinityChanges> = { name: 'InterPodAffinity/changes' };
const SCORES: StateKey<TopologyScores> = { name: 'InterPodAffinity/scores' };
const SNAPSHOT: StateKey<Snapshot> = { name: 'InterPodAffinity/snapshot' };

export function newPlainInterPodAffinity(
  labelsOf: NamespaceLabels,
  args: InterPodAffinityArgs = DEFAULT_PLUGIN_ARGS.InterPodAffinity,
): Plugin {
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
      const counts = countAll(pod, snapshot, labelsOf);
      const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
      const isNothing = requiredAffinity.length === 0 && requiredAntiAffinity.length === 0;
      if (isNothing && counts.unwilling.isEmpty) return { status: SKIP };
      state.write(COUNTS, counts);
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
      const scores =
        snapshot === undefined ? undefined : scoreTopologies(pod, snapshot, labelsOf, args);
      if (scores === undefined || scores.size === 0) return SKIP;
      state.write(SCORES, scores);
      return undefined;
    },
    score: (state, _pod, node) => totalOf(state.read(SCORES) ?? new Map(), node),
    normalizeScore: (_state, _pod, scores) => normalize(scores),
  };
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

function countAll(pod: PodInfo, snapshot: Snapshot, labelsOf: NamespaceLabels): Counts {
  const counts = {
    near: new TopologyCounts(),
    far: new TopologyCounts(),
    unwilling: new TopologyCounts(),
  };
  const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
  const isAsking = requiredAffinity.length > 0 || requiredAntiAffinity.length > 0;
  const matches = (term: AffinityTerm, other: PodInfo): boolean =>
    matchesTerm(term, other.pod, labelsOf);
  for (const node of snapshot.nodes) {
    if (!isAsking && node.podsWithAffinity === 0) continue;
    for (const existing of node.pods.values()) {
      for (const term of existing.affinity.requiredAntiAffinity) {
        if (matches(term, pod)) counts.unwilling.add(node, term.topologyKey);
      }
      if (!isAsking) continue;
      const isNear = requiredAffinity.every((term) => matches(term, existing));
      if (isNear)
        for (const { topologyKey } of requiredAffinity) counts.near.add(node, topologyKey);
      for (const term of requiredAntiAffinity) {
        if (matches(term, existing)) counts.far.add(node, term.topologyKey);
      }
    }
  }
  return counts;
}

function judge(
  pod: PodInfo,
  node: NodeInfo,
  { near, far, unwilling }: Counts,
  changes: AffinityChanges,
  labelsOf: NamespaceLabels,
): Status | undefined {
  const { requiredAffinity, requiredAntiAffinity } = pod.affinity;
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
  const isFar = requiredAntiAffinity.some(
    ({ topologyKey: key }) => far.at(node, key) + (changes.far.get(key) ?? 0) > 0,
  );
  if (isFar) {
    return unschedulable("node(s) didn't match pod anti-affinity rules");
  }
  if (unwilling.isAnyAt(node, changes.unwilling)) {
    return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
  }
  return undefined;
}

/** The lowest becomes 0, the highest 100; all 0 when they are the same. */
function normalize(scores: Scores): void {
  const min = Math.min(...scores);
  const range = Math.max(...scores) - min;
  for (const [index, score] of scores.entries()) {
    scores[index] = range === 0 ? 0 : Math.trunc(SCORE_MAX * ((score - min) / range));
  }
}
