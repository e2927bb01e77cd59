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
import type { Framework, PluginScores } from './framework/framework.ts';
import { isRejected, type Status, unresolvable } from './framework/status.ts';
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
  const nodeCount = snapshot.nodes.length;
  const rejectedBy = new Set<string>();
  const none = (rest: Partial<Diagnosis>): Decision => ({
    kind: 'none',
    diagnosis: { nodeCount, statuses: new Map(), rejectedBy, ...rest },
    victims: [],
    nextStartIndex: options.startIndex,
  });
  if (nodeCount === 0) return none({ preFilterMessage: NO_NODES });
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
  if (nominated !== undefined) return chosen(nominated, state, options.startIndex);
  const found = findFeasible(framework, snapshot, pod, state, outcome, options);
  if ('code' in found) return { kind: 'error', status: found };
  const { feasible, statuses, nextStartIndex } = found;
  if (feasible.length === 0) {
    for (const { plugin } of statuses.values()) if (plugin !== undefined) rejectedBy.add(plugin);
    const diagnosis = { nodeCount, statuses, rejectedBy };
    return unplaced(framework, snapshot, pod, state, diagnosis, {
      ...options,
      startIndex: nextStartIndex,
    });
  }
  const [only] = feasible;
  if (feasible.length === 1 && only !== undefined) return chosen(only, state, nextStartIndex);
  return choose(framework, pod, state, feasible, nextStartIndex, options.tieBreak);
}

/** No node fits: room may be made. */
function unplaced(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  state: CycleState,
  found: Diagnosis,
  { nominated, startIndex }: DecisionOptions,
): Decision {
  const post = framework.postFilter(state, pod, snapshot, found.statuses, nominated);
  const postFilterMessage = post.status === undefined ? '' : textOf(post.status);
  const { nominatedNodeName, victims = [] } = post;
  return {
    kind: 'none',
    diagnosis: { ...found, postFilterMessage },
    victims,
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

function choose(
  framework: Framework,
  pod: PodInfo,
  state: CycleState,
  feasible: readonly NodeInfo[],
  nextStartIndex: number,
  tieBreak: TieBreak,
): Decision {
  const scores = framework.score(state, pod, feasible);
  if ('code' in scores) return { kind: 'error', status: scores };
  const totals = feasible.map((_, index) =>
    scores.reduce((sum, one) => sum + (one.scores[index] ?? 0) * one.weight, 0),
  );
  const names = feasible.map(({ name }) => name);
  const nodeName = names[selectNode(names, totals, tieBreak)] ?? '';
  return { kind: 'node', nodeName, state, feasible: names, scores, nextStartIndex };
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
  readonly statuses: ReadonlyMap<string, Status>;
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
  const statuses = new Map<string, Status>();
  let nodes = snapshot.nodes;
  if (allowed !== undefined) {
    nodes = snapshot.nodes.filter(({ name }) => allowed.has(name));
    const text = `node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`;
    const status = { ...unresolvable(text), plugin: narrowedBy[0] ?? '' };
    for (const { name } of snapshot.nodes) if (!allowed.has(name)) statuses.set(name, status);
  }
  const wanted = framework.hasScores
    ? feasibleNodesWanted(nodes.length, options.percentageOfNodesToScore)
    : 1;
  const feasible: NodeInfo[] = [];
  let rejections = 0;
  for (let step = 0; step < nodes.length && feasible.length < wanted; step += 1) {
    const node = nodes[(options.startIndex + step) % nodes.length];
    if (node === undefined) break;
    const status = filterNode(framework, state, pod, node, options.nominated);
    if (status === undefined) {
      feasible.push(node);
      continue;
    }
    if (!isRejected(status)) return status;
    rejections += 1;
    statuses.set(node.name, status);
  }
  const processed = options.startIndex + feasible.length + rejections;
  return { feasible, statuses, nextStartIndex: processed % snapshot.nodes.length };
}
