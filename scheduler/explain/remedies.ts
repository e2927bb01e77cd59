/**
 * The smallest changes that would let a pending pod run, found out by the filters themselves: on a copy
 * of the node (and of the pod) with the changes made, none may object any more.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Remedy } from '../../proto/scheduler/explanation.ts';
import type { NamespaceLabels } from '../cache/affinity-terms.ts';
import { addPodToNode, type NodeInfo, newNodeInfo } from '../cache/node-info.ts';
import { newPodInfo, type PodInfo } from '../cache/pod-info.ts';
import { newSnapshot, type Snapshot } from '../cache/snapshot.ts';
import type { Framework } from '../framework/framework.ts';
import { type Change, changesFor } from './changes.ts';
import { evaluate } from './evaluate.ts';

/** More than a person reads. */
export const REMEDIES_MAX = 5;
/** Nodes that are tried out, the ones that look cheapest first; each may cost a snapshot. */
const TRIALS_MAX = 32;
/** One objection may show only when another one is gone. */
const ROUNDS_MAX = 4;

export interface RemedyQuestion {
  readonly framework: Framework;
  /** Asked again between trials: it is only true until the scheduler goes on. */
  readonly snapshot: () => Snapshot;
  readonly pod: Pod;
  readonly labelsOf: NamespaceLabels;
  /** Lets the scheduler go on between trials. */
  readonly pause: () => Promise<unknown>;
}

/** Cheapest first; at most {@link REMEDIES_MAX}, no two of the same changes. */
export async function findRemedies(question: RemedyQuestion): Promise<readonly Remedy[]> {
  const found: Remedy[] = [];
  for (const { name, cost } of candidates(question).slice(0, TRIALS_MAX)) {
    // What comes later costs this at least.
    const isEnough = found.length >= REMEDIES_MAX;
    if (isEnough && cost >= Math.max(...found.map((each) => each.cost))) break;
    const remedy = tryNode(question, name);
    if (remedy !== undefined) found.push(remedy);
    await question.pause();
  }
  return found.toSorted((a, b) => a.cost - b.cost).slice(0, REMEDIES_MAX);
}

interface Candidate {
  readonly name: string;
  readonly cost: number;
}

/** Nodes by what their first objections would cost. */
function candidates({ framework, snapshot, pod, labelsOf }: RemedyQuestion): readonly Candidate[] {
  const info = newPodInfo(pod);
  const state = snapshot();
  const { objectionsOn } = evaluate(framework, state, info);
  const costs: Candidate[] = [];
  for (const node of state.nodes) {
    let cost: number | undefined = 0;
    for (const objection of objectionsOn(node)) {
      const changes = changesFor(objection, info, node, labelsOf);
      cost = changes === undefined || cost === undefined ? undefined : cost + costOf(changes);
    }
    if (cost !== undefined) costs.push({ name: node.name, cost });
  }
  return costs.toSorted((a, b) => a.cost - b.cost);
}

function tryNode(question: RemedyQuestion, name: string): Remedy | undefined {
  const { framework, labelsOf } = question;
  const base = question.snapshot();
  let node = base.byName.get(name);
  let pod = question.pod;
  const made: Change[] = [];
  let snapshot = base;
  for (let round = 0; round < ROUNDS_MAX && node !== undefined; round += 1) {
    const info = newPodInfo(pod);
    const objections = evaluate(framework, snapshot, info).objectionsOn(node);
    if (objections.length === 0) return made.length === 0 ? undefined : remedyOf(name, made);
    const wanted: Change[] = [];
    for (const objection of objections) {
      const changes = changesFor(objection, info, node, labelsOf);
      if (changes === undefined) return undefined;
      for (const change of changes) {
        if (![...made, ...wanted].some(({ text }) => text === change.text)) wanted.push(change);
      }
    }
    // What was changed already and is objected to still can't be helped this way.
    if (wanted.length === 0) return undefined;
    made.push(...wanted);
    node = changed(node, wanted);
    for (const change of wanted) pod = change.pod?.(pod) ?? pod;
    snapshot = made.some(({ isWide }) => isWide) ? withNode(base, node) : base;
  }
  return undefined;
}

function changed(info: NodeInfo, changes: readonly Change[]): NodeInfo {
  const leaving = new Set(changes.flatMap((change) => change.leaving ?? []));
  const node = changes.reduce((each, change) => change.node?.(each) ?? each, info.node);
  const staying: PodInfo[] = [];
  for (const [uid, pod] of info.pods) if (!leaving.has(uid)) staying.push(pod);
  return staying.reduce(addPodToNode, newNodeInfo(node));
}

function withNode(base: Snapshot, node: NodeInfo): Snapshot {
  return newSnapshot(base.nodes.map((each) => (each.name === node.name ? node : each)));
}

function remedyOf(node: string, changes: readonly Change[]): Remedy {
  return { node, changes: changes.map(({ text }) => text), cost: costOf(changes) };
}

function costOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { cost }) => sum + cost, 0);
}
