/**
 * Answers why a pod is where it is, or nowhere. Of a scheduled pod it tells the scores as they were; who
 * turned it down is computed on the state of now, without the pod. Of a pending pod all is of now.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { formatTime } from '../../proto/api/time.ts';
import type {
  DecisionSummary,
  NodeVerdict,
  PodExplanation,
} from '../../proto/scheduler/explanation.ts';
import type { NamespaceLabels } from '../cache/affinity-terms.ts';
import { removePodFromNode } from '../cache/node-info.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { newSnapshot, type Snapshot } from '../cache/snapshot.ts';
import type { Framework } from '../framework/framework.ts';
import { GANG_SCHEDULING } from '../plugins/gang-scheduling.ts';
import { groupNameOf } from '../pod-groups.ts';
import {
  type DecisionLog,
  type DecisionRecord,
  type ScoredNodes,
  scoredNodes,
} from './decision-log.ts';
import { evaluate } from './evaluate.ts';
import { findRemedies } from './remedies.ts';

export interface ExplainerOptions {
  readonly log: DecisionLog;
  readonly snapshot: () => Snapshot;
  /** Undefined: the pod is for another scheduler. */
  readonly frameworkOf: (pod: Pod) => Framework | undefined;
  /** Its node, in the scheduler's eyes, before the API knows of it. */
  readonly isAssumed: (uid: string) => boolean;
  readonly labelsOf: NamespaceLabels;
}

export interface ExplainRequest {
  /** Nodes in the answer at most. */
  readonly limit: number;
  /** This one is in the answer in any case. */
  readonly node?: string;
}

type Column = PodExplanation['plugins'];

export class Explainer {
  readonly #options: ExplainerOptions;

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /** Undefined when the pod is for another scheduler. */
  async explain(pod: Pod, request: ExplainRequest): Promise<PodExplanation | undefined> {
    const { log, snapshot, frameworkOf, labelsOf } = this.#options;
    const framework = frameworkOf(pod);
    if (framework === undefined) return undefined;
    const { uid, namespace = 'default', name } = pod.metadata;
    const record = log.get(uid);
    const nodeName = pod.spec.nodeName || undefined;
    const gate = nodeName === undefined ? framework.preEnqueue(pod) : undefined;
    const state = this.#stateOf(pod, gate !== undefined);
    const view =
      nodeName === undefined
        ? pendingView(framework, snapshot(), pod, record)
        : scheduledView(framework, snapshot(), pod, nodeName, record);
    const shown = selected(view.nodes, request);
    const question = { framework, snapshot, pod, labelsOf, pause: () => nextTurn() };
    return {
      namespace,
      name,
      uid,
      profile: framework.profileName,
      state,
      ...(nodeName === undefined ? {} : { nodeName }),
      nodeCount: view.nodes.length,
      ...(record === undefined ? {} : { decision: summaryOf(record) }),
      plugins: view.plugins,
      nodes: shown,
      leftOut: view.nodes.length - shown.length,
      remedies: state === 'pending' ? await findRemedies(question) : [],
      notes: [...view.notes, ...(gate?.reasons ?? [])],
    };
  }

  #stateOf(pod: Pod, isGated: boolean): PodExplanation['state'] {
    if (pod.spec.nodeName) return 'scheduled';
    if (isGated) return 'gated';
    return this.#options.isAssumed(pod.metadata.uid) ? 'waiting' : 'pending';
  }
}

interface View {
  readonly plugins: Column;
  readonly nodes: readonly NodeVerdict[];
  readonly notes: readonly string[];
}

/** What each node says now; those of a policy's own filters as its thread has said last. */
function pendingView(
  framework: Framework,
  snapshot: Snapshot,
  pod: Pod,
  record: DecisionRecord | undefined,
): View {
  const { objectionsOn } = evaluate(framework, snapshot, newPodInfo(pod));
  const told = record?.outcome.kind === 'none' ? record.outcome.statuses : undefined;
  const nodes = snapshot.nodes.map((node): NodeVerdict => {
    const objections = objectionsOn(node);
    const { plugin = '', reasons = [] } = told?.get(node.name) ?? {};
    const isKnown = reasons.length === 0 || objections.some((each) => each.plugin === plugin);
    const all = isKnown ? objections : [...objections, { plugin, reasons, isUnresolvable: false }];
    const verdict = all.length === 0 ? 'feasible' : 'rejected';
    return { name: node.name, verdict, asOf: 'now', objections: all };
  });
  const notes = nodes.some(({ verdict }) => verdict === 'feasible')
    ? [waitsFor(framework, pod)]
    : [];
  return { plugins: [], nodes, notes };
}

/** Of a pod that would have a node if it were alone. */
function waitsFor({ plugins }: Framework, pod: Pod): string {
  const group = groupNameOf(pod);
  const hasGangs = plugins.some(({ name }) => name === GANG_SCHEDULING);
  return group === undefined || !hasGangs
    ? 'a node would take it now: it is tried again after its back-off'
    : `a node would take it now: it gets one when enough pods of its pod group "${group}" do`;
}

function scheduledView(
  framework: Framework,
  snapshot: Snapshot,
  pod: Pod,
  nodeName: string,
  record: DecisionRecord | undefined,
): View {
  const info = newPodInfo({ ...pod, spec: { ...pod.spec, nodeName: undefined } });
  const before = without(snapshot, nodeName, pod.metadata.uid);
  const { state, objectionsOn } = evaluate(framework, before, info);
  const then = record?.outcome.kind === 'node' ? scoresByNode(record.outcome.scored) : undefined;
  const isKnown = then !== undefined && then.nodes.size > 0;
  const objections = new Map(before.nodes.map((node) => [node.name, objectionsOn(node)]));
  const feasible = before.nodes.filter(({ name }) => objections.get(name)?.length === 0);
  const scored = isKnown || feasible.length === 0 ? [] : framework.score(state, info, feasible);
  const now =
    'code' in scored
      ? undefined
      : scoresByNode(
          scoredNodes(
            feasible.map(({ name }) => name),
            scored,
          ),
        );
  const { plugins, nodes } = (isKnown ? then : now) ?? { plugins: [], nodes: new Map() };
  const verdicts = before.nodes.map(({ name }): NodeVerdict => {
    const score = nodes.get(name);
    const chosen = name === nodeName;
    const asOf = isKnown && score !== undefined ? 'decision' : 'now';
    const own = objections.get(name) ?? [];
    const verdict = chosen
      ? 'chosen'
      : score !== undefined || own.length === 0
        ? 'feasible'
        : 'rejected';
    return { name, verdict, asOf, objections: asOf === 'decision' ? [] : own, ...score };
  });
  return { plugins, nodes: verdicts.toSorted(byRank), notes: notesOf(record, isKnown) };
}

function notesOf(record: DecisionRecord | undefined, isKnown: boolean): readonly string[] {
  if (record === undefined) {
    return [
      'the decision is not remembered (the scheduler keeps the last few thousand): all is of now',
    ];
  }
  if (isKnown) return ['scores are those of the decision; what turns other nodes down is of now'];
  return ['nothing was scored: one node only was feasible; scores are of now'];
}

function byRank(a: NodeVerdict, b: NodeVerdict): number {
  if (a.verdict === 'chosen' || b.verdict === 'chosen') return a.verdict === 'chosen' ? -1 : 1;
  return (b.total ?? -1) - (a.total ?? -1);
}

interface Scores {
  readonly plugins: Column;
  readonly nodes: Map<string, { readonly scores: readonly number[]; readonly total: number }>;
}

function scoresByNode({ names, plugins, scores }: ScoredNodes): Scores {
  const nodes: Scores['nodes'] = new Map();
  for (const [index, name] of names.entries()) {
    const own = plugins.map((_, at) => scores[at * names.length + index] ?? 0);
    const total = own.reduce((sum, score, at) => sum + score * (plugins[at]?.weight ?? 0), 0);
    nodes.set(name, { scores: own, total });
  }
  return { plugins, nodes };
}

/** The cluster as it would be without the pod. */
function without(snapshot: Snapshot, nodeName: string, uid: string): Snapshot {
  const node = snapshot.byName.get(nodeName);
  if (node === undefined || !node.pods.has(uid)) return snapshot;
  const left = removePodFromNode(node, uid);
  return newSnapshot(snapshot.nodes.map((each) => (each === node ? left : each)));
}

function summaryOf({ atMs, tieBreak, outcome }: DecisionRecord): DecisionSummary {
  const at = formatTime(atMs);
  if (outcome.kind === 'none') {
    return { at, message: outcome.message, scored: 0, ties: [], tieBreak };
  }
  const { nodeName: chosen, scored } = outcome;
  const totals = [...scoresByNode(scored).nodes].map(([name, { total }]) => ({ name, total }));
  const best = Math.max(...totals.map(({ total }) => total));
  const ties = totals.filter(({ total }) => total === best).map(({ name }) => name);
  const [next] = totals.filter(({ name }) => name !== chosen).toSorted((a, b) => b.total - a.total);
  const after = next === undefined ? {} : { runnerUp: next.name, margin: best - next.total };
  return { at, chosen, scored: totals.length, ties, tieBreak, ...after };
}

function selected(nodes: readonly NodeVerdict[], request: ExplainRequest): readonly NodeVerdict[] {
  const first = nodes.slice(0, request.limit);
  const named = nodes.find(({ name }) => name === request.node);
  return named === undefined || first.includes(named) ? first : [...first, named];
}
