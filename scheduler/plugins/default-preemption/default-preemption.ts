/**
 * When no node fits: finds a node where it would fit without some pods of lower priority, as few and
 * as unimportant as possible. Only says which; the pods are removed by who carries decisions out.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go,
 * pkg/scheduler/framework/preemption/preemption.go, v1.36.
 */

import type { PodDisruptionBudget } from '../../../proto/api/gen/policy-v1.ts';
import { CountedNode } from '../../cache/counted-node.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import type { DefaultPreemptionArgs } from '../../config/plugin-args.ts';
import { fitErrorMessage } from '../../diagnosis.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { FilterHandle, Plugin, PostFilterResult } from '../../framework/plugin.ts';
import { isRejected, type Status, unresolvable, unschedulable } from '../../framework/status.ts';
import { priorityOf } from '../priority-sort.ts';
import { splitByBudgets } from './disruption-budgets.ts';
import { byImportance, type Candidate, selectCandidate } from './select-candidate.ts';

export interface PreemptionDependencies {
  /** All of them, of every namespace. */
  readonly budgets: () => readonly PodDisruptionBudget[];
  /** In [0, 1): at which node the search begins. */
  readonly random: () => number;
}

const NO_VICTIMS = 'No preemption victims found for incoming pod';
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';

/** What one pod's search for victims needs. */
interface Search {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly handle: FilterHandle;
  readonly budgets: readonly PodDisruptionBudget[];
}

export function newDefaultPreemption(
  args: DefaultPreemptionArgs,
  dependencies: PreemptionDependencies,
): Plugin {
  return {
    name: 'DefaultPreemption',
    // Which event helps is for the plugins to say that turned the pod down.
    events: [{ kind: 'AssignedPodDelete', hint: () => false }],
    postFilter: (state, pod, snapshot, statuses, handle) => {
      const ineligible = whyNotEligible(pod, snapshot, statuses);
      if (ineligible !== undefined) return { status: unschedulable(`preemption: ${ineligible}`) };
      const search = { state, pod, handle, budgets: dependencies.budgets() };
      const nodes = snapshot.nodes.filter(
        ({ name }) => statuses.get(name)?.code === 'Unschedulable',
      );
      const offset = Math.floor(dependencies.random() * nodes.length);
      const found = findCandidates(search, nodes, offset, candidatesWanted(nodes.length, args));
      if ('code' in found) return { status: found };
      const best = selectCandidate(found.candidates);
      if (best === undefined) return notHelpful(snapshot, found.statuses);
      return { ...nominate(best), candidates: found.candidates };
    },
  };
}

/** The result for a node and its victims. */
export function nominate({ nodeName, victims }: Candidate): PostFilterResult {
  return { nominatedNodeName: nodeName, victims: victims.map(({ pod }) => pod) };
}

/** Undefined when the pod may preempt others. */
function whyNotEligible(
  { pod }: PodInfo,
  snapshot: Snapshot,
  statuses: ReadonlyMap<string, Status>,
): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') {
    return 'not eligible due to preemptionPolicy=Never.';
  }
  const nominated = pod.status?.nominatedNodeName ?? '';
  const node = snapshot.byName.get(nominated);
  // Nothing will help there: it may look for another node.
  if (node === undefined || statuses.get(nominated)?.code !== 'Unschedulable') return undefined;
  const priority = priorityOf(pod);
  for (const { pod: other } of node.pods.values()) {
    if (priorityOf(other) < priority && isGoingByPreemption(other)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return undefined;
}

function isGoingByPreemption({ metadata, status }: PodInfo['pod']): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const target = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return target?.status === 'True' && target.reason === 'PreemptionByScheduler';
}

/** Enough to choose from: not all nodes of a large cluster are tried. */
function candidatesWanted(nodeCount: number, args: DefaultPreemptionArgs): number {
  const share = Math.trunc((nodeCount * args.minCandidateNodesPercentage) / 100);
  return Math.min(nodeCount, Math.max(share, args.minCandidateNodesAbsolute));
}

/** Also why the nodes without candidates have none. */
function findCandidates(
  search: Search,
  nodes: readonly NodeInfo[],
  offset: number,
  wanted: number,
):
  | { readonly candidates: readonly Candidate[]; readonly statuses: ReadonlyMap<string, Status> }
  | Status {
  const harmless: Candidate[] = [];
  const violating: Candidate[] = [];
  const statuses = new Map<string, Status>();
  let failure: Status | undefined;
  for (let step = 0; step < nodes.length; step += 1) {
    const node = nodes[(offset + step) % nodes.length];
    if (node === undefined) break;
    const result = selectVictims(search, node);
    if ('code' in result) {
      if (!isRejected(result)) failure ??= result;
      statuses.set(node.name, result);
      continue;
    }
    (result.budgetViolations === 0 ? harmless : violating).push(result);
    if (harmless.length > 0 && harmless.length + violating.length >= wanted) break;
  }
  const candidates = [...harmless, ...violating];
  return failure !== undefined && candidates.length === 0 ? failure : { candidates, statuses };
}

/** The fewest pods that have to go; a status when that doesn't help. */
function selectVictims(search: Search, original: NodeInfo): Candidate | Status {
  const { pod, handle, budgets } = search;
  const priority = priorityOf(pod.pod);
  const potential = [...original.pods.values()].filter((each) => priorityOf(each.pod) < priority);
  if (potential.length === 0) return unresolvable(NO_VICTIMS);
  const state = search.state.clone();
  const node = CountedNode.copyOf(original);
  let failure: Status | undefined;
  const remove = (victim: PodInfo): void => {
    node.remove(victim.pod.metadata.uid);
    failure ??= handle.removePod(state, pod, victim, node);
  };
  const add = (victim: PodInfo): void => {
    node.add(victim);
    failure ??= handle.addPod(state, pod, victim, node);
  };
  for (const victim of potential) remove(victim);
  const without = failure ?? handle.filter(state, pod, node);
  if (without !== undefined) return without;
  const victims: PodInfo[] = [];
  /** Whether the pod fits with this one too. */
  const reprieve = (candidate: PodInfo): boolean => {
    add(candidate);
    const isFine = handle.filter(state, pod, node) === undefined;
    if (isFine) return true;
    remove(candidate);
    victims.push(candidate);
    return false;
  };
  const { violating, others } = splitByBudgets(potential.toSorted(byImportance), budgets);
  const budgetViolations = violating.filter((each) => !reprieve(each)).length;
  for (const each of others) reprieve(each);
  if (failure !== undefined) return failure;
  const nodeName = original.name;
  return { nodeName, victims: victims.toSorted(byImportance), budgetViolations };
}

/** Names no node: an earlier nomination is taken back. */
function notHelpful({ nodes }: Snapshot, statuses: ReadonlyMap<string, Status>): PostFilterResult {
  const tried = { nodeCount: nodes.length, statuses, absentReason: NOT_HELPFUL };
  const text = fitErrorMessage({ ...tried, rejectedBy: new Set() });
  return { nominatedNodeName: '', status: unschedulable(`preemption: ${text}`) };
}
