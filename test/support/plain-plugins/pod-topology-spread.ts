/**
 * PodTopologySpread as plainly as it can be written, to compare the product's with: it looks at every pod
 * of every node in each cycle.
 *
 * Spreads pods evenly over nodes, zones and the like: as a condition where the pod demands it, else as
 * a preference.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/{filtering,scoring}.go, v1.36.
 */

import { matchesLabels } from '../../../proto/api/label-selector.ts';
import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';
import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import {
  DEFAULT_PLUGIN_ARGS,
  type PodTopologySpreadArgs,
} from '../../../scheduler/config/plugin-args.ts';
import type { CycleState, StateKey } from '../../../scheduler/framework/cycle-state.ts';
import type { Plugin } from '../../../scheduler/framework/plugin.ts';
import {
  SKIP,
  type Status,
  unresolvable,
  unschedulable,
} from '../../../scheduler/framework/status.ts';
import {
  type Constraint,
  constraintsOf,
  countMatching,
  hasAllKeys,
  isIncluded,
  type PeerSelector,
} from '../../../scheduler/plugins/pod-topology-spread/constraints.ts';
import { normalizeSpread, prepareSpread, type Spread, spreadScore } from './spread-score.ts';

/** What a hard constraint sees of the cluster. */
interface Domains {
  readonly constraint: Constraint;
  /** Matching pods by the value of the topology key. */
  readonly counts: ReadonlyMap<string, number>;
  readonly smallest: number;
  /** Pods that are thought to have come where the one node is that is looked at, or to have left. */
  readonly change?: { readonly value: string; readonly by: number };
}

const DOMAINS: StateKey<readonly Domains[]> = { name: 'PodTopologySpread/domains' };
const SPREAD: StateKey<Spread> = { name: 'PodTopologySpread/spread' };
const SNAPSHOT: StateKey<Snapshot> = { name: 'PodTopologySpread/snapshot' };
const UNEVEN = "node(s) didn't match pod topology spread constraints";

export function newPlainPodTopologySpread(
  peersOf: PeerSelector,
  args: PodTopologySpreadArgs = DEFAULT_PLUGIN_ARGS.PodTopologySpread,
): Plugin {
  return {
    name: 'PodTopologySpread',
    events: [
      { kind: 'AssignedPodAdd' },
      { kind: 'AssignedPodUpdate' },
      { kind: 'AssignedPodDelete' },
      { kind: 'NodeAdd' },
      { kind: 'NodeDelete' },
      { kind: 'NodeUpdateLabel' },
      { kind: 'NodeUpdateTaint' },
      { kind: 'UnscheduledPodUpdate' },
    ],
    preFilter: (state, { pod }, snapshot) => {
      state.write(SNAPSHOT, snapshot);
      const { constraints } = constraintsOf(pod, 'DoNotSchedule', args, peersOf);
      if (constraints.length === 0) return { status: SKIP };
      const included = snapshot.nodes.filter((node) => hasAllKeys(node, constraints));
      const domains = constraints.map((constraint) => domainsOf(constraint, pod, included));
      state.write(DOMAINS, domains);
      return {};
    },
    filter: (state, pod, node) => judge(pod, node, state.read(DOMAINS) ?? []),
    preFilterExtensions: {
      addPod: (...step) => note(...step, 1),
      removePod: (...step) => note(...step, -1),
    },
    preScore: (state, { pod }, feasible) => {
      const snapshot = state.read(SNAPSHOT);
      const spread =
        snapshot === undefined
          ? undefined
          : prepareSpread(
              pod,
              feasible,
              snapshot,
              constraintsOf(pod, 'ScheduleAnyway', args, peersOf),
            );
      if (spread === undefined) return SKIP;
      state.write(SPREAD, spread);
      return undefined;
    },
    score: (state, { pod }, node) => {
      const spread = state.read(SPREAD);
      return spread === undefined ? 0 : spreadScore(pod, node, spread);
    },
    normalizeScore: (_state, _pod, scores) => normalizeSpread(scores),
  };
}

function domainsOf(
  constraint: Constraint,
  pod: PodInfo['pod'],
  nodes: readonly NodeInfo[],
): Domains {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (!isIncluded(constraint, pod, node)) continue;
    const value = node.node.metadata.labels?.[constraint.topologyKey] ?? '';
    const count = countMatching(node, constraint.selector, pod.metadata.namespace ?? '');
    counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return { constraint, counts, smallest: smallestOf(constraint, counts) };
}

/** 0 when there are fewer domains than wanted. */
function smallestOf(
  { minDomains }: Constraint,
  counts: ReadonlyMap<string, number>,
  change?: Domains['change'],
): number {
  if (counts.size < minDomains || counts.size === 0) return 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [value, count] of counts) {
    smallest = Math.min(smallest, value === change?.value ? count + change.by : count);
  }
  return smallest;
}

/** A pod is thought to come to the node or leave it. All changes of one state are on one node. */
function note(
  state: CycleState,
  { pod }: PodInfo,
  { pod: other }: PodInfo,
  node: NodeInfo,
  times: 1 | -1,
): undefined {
  const domains = state.read(DOMAINS);
  if (domains === undefined || other.metadata.namespace !== pod.metadata.namespace) return;
  if (
    !hasAllKeys(
      node,
      domains.map(({ constraint }) => constraint),
    )
  )
    return;
  const changed = domains.map((one): Domains => {
    const { constraint, counts } = one;
    if (!matchesLabels(constraint.selector, other.metadata.labels)) return one;
    if (!isIncluded(constraint, pod, node)) return one;
    const value = node.node.metadata.labels?.[constraint.topologyKey] ?? '';
    const change = { value, by: (one.change?.by ?? 0) + times };
    return { constraint, counts, smallest: smallestOf(constraint, counts, change), change };
  });
  state.write(DOMAINS, changed);
}

function judge(
  { pod }: PodInfo,
  { node }: NodeInfo,
  domains: readonly Domains[],
): Status | undefined {
  for (const { constraint, counts, smallest, change } of domains) {
    const value = node.metadata.labels?.[constraint.topologyKey];
    if (value === undefined) return unresolvable(`${UNEVEN} (missing required label)`);
    const own = matchesLabels(constraint.selector, pod.metadata.labels) ? 1 : 0;
    const by = change?.value === value ? change.by : 0;
    const skew = (counts.get(value) ?? 0) + by + own - smallest;
    if (skew > constraint.maxSkew) return unschedulable(UNEVEN);
  }
  return undefined;
}
