/**
 * The decision for one pod when extenders have a say: the same as without them, with their questions
 * in between. Nothing else is decided meanwhile.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go, v1.36.
 */

import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Framework } from '../framework/framework.ts';
import { failed, type Status } from '../framework/status.ts';
import { selectCandidate } from '../plugins/default-preemption/select-candidate.ts';
import {
  chooseNode,
  type Decision,
  type DecisionOptions,
  findNodes,
  unplaced,
} from '../schedule-one.ts';
import type { Extenders } from './extenders.ts';

/** Under this name extenders turn pods down; anything that happens may help then. */
export const EXTENDER = 'Extender';

/** Never rejects: a failure is an `error` decision. */
export async function decideWithExtenders(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
  options: DecisionOptions,
  extenders: Extenders,
  signal: AbortSignal,
): Promise<Decision> {
  try {
    const hasScores = framework.hasScores || extenders.filtersOrPrioritizes;
    const asked = { ...options, keepsStatuses: true, looksAtMore: hasScores };
    const found = findNodes(framework, snapshot, pod, asked);
    if ('kind' in found) return await preempting(found, pod, extenders, signal);
    const { state, nextStartIndex } = found;
    const statuses = new Map<string, Status>(found.statuses);
    const feasible = await extenders.filter(pod.pod, found.feasible, statuses, signal);
    if (feasible.length === 0) {
      const rejectedBy = new Set([EXTENDER]);
      for (const { plugin } of statuses.values()) if (plugin !== undefined) rejectedBy.add(plugin);
      const diagnosis = { nodeCount: snapshot.nodes.length, statuses, rejectedBy };
      const next = { ...options, startIndex: nextStartIndex };
      const decision = unplaced(framework, snapshot, pod, state, diagnosis, next);
      return await preempting(decision, pod, extenders, signal);
    }
    const points = feasible.length > 1 ? await extenders.points(pod.pod, feasible, signal) : [];
    return chooseNode(framework, snapshot, pod, { ...found, feasible }, options, points);
  } catch (error) {
    return { kind: 'error', status: failed(error) };
  }
}

/** Lets the extenders look at the victims. */
async function preempting(
  decision: Decision,
  { pod }: PodInfo,
  extenders: Extenders,
  signal: AbortSignal,
): Promise<Decision> {
  if (decision.kind !== 'none' || decision.candidates.length === 0) return decision;
  const best = selectCandidate(await extenders.preempt(pod, decision.candidates, signal));
  if (best !== undefined) {
    const victims = best.victims.map((one) => one.pod);
    return { ...decision, nominatedNodeName: best.nodeName, victims };
  }
  const postFilterMessage = 'preemption: no candidate node for preemption';
  const { nominatedNodeName: _none, ...rest } = decision;
  return { ...rest, victims: [], diagnosis: { ...decision.diagnosis, postFilterMessage } };
}
