/**
 * The decision for one pod: which node, or why none. A pure function of the snapshot, the pod, the
 * profile and the options; the cluster and the policy lab call the same one.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go, v1.36, with parallelism 1.
 */

import type { Pod } from '../proto/api/gen/core-v1.ts';
import type { NodeInfo } from './cache/node-info.ts';
import type { PodInfo } from './cache/pod-info.ts';
import type { Snapshot } from './cache/snapshot.ts';
import { type Diagnosis, NO_NODES } from './diagnosis.ts';
import { CycleState } from './framework/cycle-state.ts';
import type { Framework } from './framework/framework.ts';
import type { PluginScores } from './framework/node-evaluator.ts';
import { NodeStatuses } from './framework/node-statuses.ts';
import { isRejected, type Status, unresolvable } from './framework/status.ts';
import type { Candidate } from './plugins/default-preemption/select-candidate.ts';
import type { NominatedPods } from './queue/nominator.ts';
import { selectNode, type TieBreak } from './select-node.ts';

export interface DecisionOptions {
  /** Where in the list of nodes to begin. */
  readonly startIndex: number;
  /** 0: adaptive, as upstream's default. 1 to 100. */
  readonly percentageOfNodesToScore: number;
  readonly tieBreak: TieBreak;
  /** Pods that room is being made for; absent: none. */
  readonly nominated?: NominatedPods;
  /** Why nodes don't fit is wanted also when others do. */
  readonly keepsStatuses?: boolean;
  /** Somebody else than the plugins scores or filters: the first node isn't enough. */
  readonly looksAtMore?: boolean;
}

/** The nodes that fit. */
export interface FoundNodes {
  readonly state: CycleState;
  /** At least one. */
  readonly feasible: readonly NodeInfo[];
  /** Of the others, when they are wanted. */
  readonly statuses: NodeStatuses;
  readonly nextStartIndex: number;
}

export type Decision =
  | {
      readonly kind: 'node';
      readonly nodeName: string;
      readonly state: CycleState;
      /** Every node that fits, in the order looked at; empty when nothing was scored. */
      readonly feasible: readonly string[];
      readonly scores: readonly PluginScores[];
      readonly nextStartIndex: number;
    }
  | {
      readonly kind: 'none';
      readonly diagnosis: Diagnosis;
      /** Room is to be made there; empty: an earlier nomination is taken back; absent: it stays. */
      readonly nominatedNodeName?: string;
      /** Pods to be removed for that, the most important first. */
      readonly victims: readonly Pod[];
      /** Between which nodes the choice was. */
      readonly candidates: readonly Candidate[];
      readonly nextStartIndex: number;
    }
  /** A plugin failed: nothing is known of the pod. */
  | { readonly kind: 'error'; readonly status: Status };

/** Below this many nodes all are looked at. */
const FEASIBLE_MIN = 100;
const ADAPTIVE_PERCENT_MAX = 50;
const ADAPTIVE_PERCENT_MIN = 5;

export function decide(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  options: DecisionOptions,
): Decision {
  const found = findNodes(framework, snapshot, pod, options);
  return 'kind' in found ? found : chooseNode(framework, snapshot, pod, found, options);
}

/** The first half of a decision: the nodes that fit; a decision when there are none. */
export function findNodes(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  options: DecisionOptions,
): FoundNodes | Decision {
  const nodeCount = snapshot.nodes.length;
  const rejectedBy = new Set<string>();
  if (nodeCount === 0) {
    const statuses = new NodeStatuses();
    const diagnosis = { nodeCount, statuses, rejectedBy, preFilterMessage: NO_NODES };
    const nothing = { victims: [], candidates: [], nextStartIndex: options.startIndex };
    return { kind: 'none', diagnosis, ...nothing };
  }
  const state = new CycleState();
  const outcome = framework.preFilter(state, pod, snapshot);
  if (outcome.kind === 'rejected') {
    const { status } = outcome;
    if (!isRejected(status)) return { kind: 'error', status };
    if (status.plugin !== undefined) rejectedBy.add(status.plugin);
    const statuses = ofAllNodes(snapshot, status);
    const diagnosis = { nodeCount, statuses, rejectedBy, preFilterMessage: textOf(status) };
    return unplaced(framework, snapshot, pod, state, diagnosis, options);
  }
  const nominated = nominatedNode(framework, snapshot, pod, state, options);
  if (nominated !== undefined) {
    const statuses = new NodeStatuses();
    return { state, feasible: [nominated], statuses, nextStartIndex: options.startIndex };
  }
  const found = findFeasible(framework, snapshot, pod, state, outcome, options);
  if ('code' in found) return { kind: 'error', status: found };
  const { feasible, statuses, nextStartIndex } = found;
  if (feasible.length > 0) return { state, ...found };
  for (const { status } of statuses.counts()) {
    if (status.plugin !== undefined) rejectedBy.add(status.plugin);
  }
  const diagnosis = { nodeCount, statuses, rejectedBy };
  const next = { ...options, startIndex: nextStartIndex };
  return unplaced(framework, snapshot, pod, state, diagnosis, next);
}

/** The second half: the best of them, with what others than the plugins add to each total. */
export function chooseNode(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  { state, feasible, nextStartIndex }: FoundNodes,
  { tieBreak }: DecisionOptions,
  points: readonly number[] = [],
): Decision {
  const [only] = feasible;
  if (feasible.length === 1 && only !== undefined) return chosen(only, state, nextStartIndex);
  const scores = framework.score(state, pod, feasible, snapshot);
  if ('code' in scores) return { kind: 'error', status: scores };
  const plain = totalScores(scores, feasible.length);
  const totals = points.length === 0 ? plain : plain.map((sum, at) => sum + (points[at] ?? 0));
  const names = feasible.map(({ name }) => name);
  const nodeName = names[selectNode(names, totals, tieBreak)] ?? '';
  return { kind: 'node', nodeName, state, feasible: names, scores, nextStartIndex };
}

/** No node fits: room may be made. */
export function unplaced(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  state: CycleState,
  found: Diagnosis,
  { nominated, startIndex }: DecisionOptions,
): Decision {
  const post = framework.postFilter(state, pod, snapshot, found.statuses, nominated);
  const postFilterMessage = post.status === undefined ? '' : textOf(post.status);
  const { nominatedNodeName, victims = [], candidates = [] } = post;
  return {
    kind: 'none',
    diagnosis: { ...found, postFilterMessage },
    victims,
    candidates,
    nextStartIndex: startIndex,
    ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
  };
}

/** What turned the pod down before any node was looked at holds for each; most often it is hopeless. */
function ofAllNodes(snapshot: Snapshot, status: Status): ReadonlyMap<string, Status> {
  if (status.code !== 'Unschedulable') return new Map();
  return new Map(snapshot.nodes.map(({ name }) => [name, status]));
}

function textOf(status: Status): string {
  return status.reasons.join(', ');
}

/** How many feasible nodes are enough. */
export function feasibleNodesWanted(nodeCount: number, percentage: number): number {
  if (nodeCount < FEASIBLE_MIN) return nodeCount;
  const adaptive = ADAPTIVE_PERCENT_MAX - Math.floor(nodeCount / 125);
  const percent = percentage === 0 ? Math.max(ADAPTIVE_PERCENT_MIN, adaptive) : percentage;
  return Math.max(FEASIBLE_MIN, Math.floor((nodeCount * Math.min(percent, 100)) / 100));
}

/** Of each node, in the order of the nodes. */
function totalScores(scores: readonly PluginScores[], count: number): readonly number[] {
  const totals = new Array<number>(count).fill(0);
  for (const { scores: ofPlugin, weight } of scores) {
    for (let index = 0; index < count; index += 1) {
      totals[index] = (totals[index] ?? 0) + (ofPlugin[index] ?? 0) * weight;
    }
  }
  return totals;
}

function chosen(node: NodeInfo, state: CycleState, nextStartIndex: number): Decision {
  const nodeName = node.name;
  return { kind: 'node', nodeName, state, feasible: [], scores: [], nextStartIndex };
}

/** The node that room was made on, if it fits now. */
function nominatedNode(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  state: CycleState,
  { nominated }: DecisionOptions,
): NodeInfo | undefined {
  const node = snapshot.byName.get(pod.pod.status?.nominatedNodeName ?? '');
  if (node === undefined) return undefined;
  return filterNode(framework, state, pod, node, nominated) === undefined ? node : undefined;
}

/** With the pods that are nominated to the node, if there are any. */
function filterNode(
  framework: Framework,
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
  nominated: NominatedPods | undefined,
): Status | undefined {
  const others = nominated?.isAny === true ? nominated.on(node.name) : [];
  if (others.length === 0) return framework.filter(state, pod, node);
  return framework.filterWithNominated(state, pod, node, others);
}

interface Found {
  readonly feasible: readonly NodeInfo[];
  /** When no node is feasible, or they are wanted. */
  readonly statuses: NodeStatuses;
  readonly nextStartIndex: number;
}

function findFeasible(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  state: CycleState,
  outcome: { readonly allowed?: ReadonlySet<string>; readonly narrowedBy: readonly string[] },
  options: DecisionOptions,
): Found | Status {
  const { allowed, narrowedBy } = outcome;
  const nodes = allowed === undefined ? snapshot.nodes : nodesNamed(snapshot, allowed);
  const looksAtMore = framework.hasScores || options.looksAtMore === true;
  const wanted = looksAtMore
    ? feasibleNodesWanted(nodes.length, options.percentageOfNodesToScore)
    : 1;
  const start = options.startIndex;
  const { nominated } = options;
  const judge = (node: NodeInfo): { readonly status: Status | undefined } | undefined =>
    nominated === undefined || nominated.on(node.name).length === 0
      ? undefined
      : { status: filterNode(framework, state, pod, node, nominated) };
  const isAny = nominated?.isAny === true;
  const search = { state, pod, snapshot, nodes, start, wanted, ...(isAny ? { judge } : {}) };
  const { feasible, numbers, statuses, error } = framework.nodes.search(search);
  if (error !== undefined) return error;
  const nextStartIndex = (start + numbers.length) % snapshot.nodes.length;
  if (feasible.length > 0 && options.keepsStatuses !== true) {
    return { feasible, statuses: new NodeStatuses(), nextStartIndex };
  }
  const source = { nodes, start, numbers: numbers.slice(), statuses };
  if (allowed === undefined)
    return { feasible, statuses: new NodeStatuses(source), nextStartIndex };
  const text = `node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`;
  const status = { ...unresolvable(text), plugin: narrowedBy[0] ?? '' };
  const others = { status, nodes: snapshot.nodes };
  return { feasible, statuses: new NodeStatuses({ ...source, others }), nextStartIndex };
}

/** Those of the names that there are, in the snapshot's order, without looking at the others. */
function nodesNamed(snapshot: Snapshot, names: ReadonlySet<string>): readonly NodeInfo[] {
  const nodes: NodeInfo[] = [];
  for (const name of names) {
    const node = snapshot.byName.get(name);
    if (node !== undefined) nodes.push(node);
  }
  const positionOf = ({ index }: NodeInfo): number => snapshot.positions[index] ?? 0;
  return nodes.sort((a, b) => positionOf(a) - positionOf(b));
}
