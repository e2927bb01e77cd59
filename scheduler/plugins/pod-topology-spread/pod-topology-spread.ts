/**
 * Spreads pods evenly over nodes, zones and the like: as a condition where the pod demands it, else as
 * a preference.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/{filtering,scoring}.go, v1.36.
 */

import { matchesLabels } from '../../../proto/api/label-selector.ts';
import { KeptTables } from '../../cache/kept-tables.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import { DEFAULT_PLUGIN_ARGS, type PodTopologySpreadArgs } from '../../config/plugin-args.ts';
import type { CycleState, StateKey } from '../../framework/cycle-state.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { SKIP, type Status, unresolvable, unschedulable } from '../../framework/status.ts';
import { type Constraint, constraintsOf, type PeerSelector } from './constraints.ts';
import { normalizeSpread, prepareSpread, type Spread, spreadScore } from './spread-score.ts';
import { type DomainChange, SpreadTable, type SpreadTableOptions } from './spread-table.ts';

/** A hard constraint, and what it sees of the cluster. */
interface Domains {
  readonly constraint: Constraint;
  readonly table: SpreadTable;
  /** 1 when the pod itself will count, else 0. */
  readonly own: number;
  readonly smallest: number;
  /** Where the one node is that is looked at. */
  readonly change?: DomainChange;
}

const DOMAINS: StateKey<readonly Domains[]> = { name: 'PodTopologySpread/domains' };
const SPREAD: StateKey<Spread> = { name: 'PodTopologySpread/spread' };
const SNAPSHOT: StateKey<Snapshot> = { name: 'PodTopologySpread/snapshot' };
const UNEVEN = "node(s) didn't match pod topology spread constraints";

export function newPodTopologySpread(
  peersOf: PeerSelector,
  args: PodTopologySpreadArgs = DEFAULT_PLUGIN_ARGS.PodTopologySpread,
): Plugin {
  const tables = new KeptTables<SpreadTable>();
  const tableOf = (options: SpreadTableOptions, snapshot: Snapshot): SpreadTable => {
    const key = SpreadTable.keyOf(options);
    const table = tables.of(key, snapshot, () => new SpreadTable(options));
    table.bringUpToDate(snapshot);
    return table;
  };
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
      const domains = constraints.map((constraint): Domains => {
        const table = tableOf({ constraint, pod, keysOf: constraints }, snapshot);
        const own = matchesLabels(constraint.selector, pod.metadata.labels) ? 1 : 0;
        return { constraint, table, own, smallest: smallestOf(constraint, table) };
      });
      state.write(DOMAINS, domains);
      return {};
    },
    filter: (state, _pod, node) => judge(node, state.read(DOMAINS) ?? []),
    preFilterExtensions: {
      addPod: (...step) => note(...step, 1),
      removePod: (...step) => note(...step, -1),
    },
    preScore: (state, { pod }, feasible) => {
      const snapshot = state.read(SNAPSHOT);
      if (snapshot === undefined) return SKIP;
      const { constraints, needsAllKeys } = constraintsOf(pod, 'ScheduleAnyway', args, peersOf);
      if (constraints.length === 0) return SKIP;
      const keysOf = needsAllKeys ? constraints : [];
      const soft = constraints.map((constraint) => ({
        constraint,
        table: tableOf({ constraint, pod, keysOf }, snapshot),
      }));
      state.write(SPREAD, prepareSpread(feasible, soft, keysOf));
      return undefined;
    },
    score: (state, _pod, node) => {
      const spread = state.read(SPREAD);
      return spread === undefined ? 0 : spreadScore(node, spread);
    },
    normalizeScore: (_state, _pod, scores) => normalizeSpread(scores),
  };
}

/** 0 when there are fewer domains than wanted. */
function smallestOf({ minDomains }: Constraint, table: SpreadTable, change?: DomainChange): number {
  return table.domains < minDomains ? 0 : table.smallest(change);
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
  const changed = domains.map((one): Domains => {
    const { constraint, table } = one;
    const domain = table.domainOf(node);
    if (domain === undefined || !table.isCounted(node)) return one;
    // As upstream, which doesn't ask here whether the other one is going.
    if (!matchesLabels(constraint.selector, other.metadata.labels)) return one;
    const change = { domain, by: (one.change?.by ?? 0) + times };
    return { ...one, smallest: smallestOf(constraint, table, change), change };
  });
  state.write(DOMAINS, changed);
}

function judge(node: NodeInfo, domains: readonly Domains[]): Status | undefined {
  for (const { constraint, table, own, smallest, change } of domains) {
    const domain = table.domainOf(node);
    if (domain === undefined) return unresolvable(`${UNEVEN} (missing required label)`);
    const by = change?.domain === domain ? change.by : 0;
    const skew = table.countIn(domain) + by + own - smallest;
    if (skew > constraint.maxSkew) return unschedulable(UNEVEN);
  }
  return undefined;
}
