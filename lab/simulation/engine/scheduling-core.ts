/**
 * The scheduler's own cycle without its cluster: decide on a snapshot, assume, Reserve, Permit. The
 * framework, the plugins, the cache and the decision are those of the running scheduler. PreBind and
 * Bind, which talk to an API server, are left out: what is permitted is bound.
 */

import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import type { Framework } from '../../../scheduler/framework/framework.ts';
import { Nominator } from '../../../scheduler/queue/nominator.ts';
import { type Decision, decide } from '../../../scheduler/schedule-one.ts';
import type { TieBreak } from '../../../scheduler/select-node.ts';
import type { DecisionRecorder } from './decision-recorder.ts';

export interface CoreOptions {
  readonly framework: Framework;
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly tieBreak: TieBreak;
  readonly recorder: DecisionRecorder;
  /** Sees every decision; `stop` ends the run after it. */
  readonly observe?: DecisionObserver;
}

export type DecisionObserver = (row: number, pod: number, decision: Decision) => 'stop' | undefined;

export type Attempt =
  | {
      readonly kind: 'placed';
      readonly node: number;
      readonly nodeName: string;
      readonly row: number;
    }
  | {
      readonly kind: 'rejected';
      readonly rejectedBy: ReadonlySet<string>;
      readonly decision: Decision;
    };

/** A policy failed: the run has no result. */
export class PolicyFailure extends Error {
  override readonly name = 'PolicyFailure';
}

export class SchedulingCore {
  readonly cache = new SchedulerCache();
  readonly nominator = new Nominator();
  readonly #options: CoreOptions;
  #startIndex = 0;
  isStopped = false;

  constructor(options: CoreOptions) {
    this.#options = options;
  }

  get framework(): Framework {
    return this.#options.framework;
  }

  /** The pod, by its index, is assumed on its node afterwards, or nothing has changed. */
  attempt(timeMs: number, pod: number, info: PodInfo): Attempt {
    const { framework, recorder, percentageOfNodesToScore, tieBreak } = this.#options;
    const snapshot = this.cache.snapshot();
    const startIndex = this.#startIndex;
    const decision = decide(framework, snapshot, info, {
      startIndex,
      percentageOfNodesToScore,
      tieBreak,
      nominated: this.nominator,
    });
    if (decision.kind === 'error')
      throw failureOf(info, decision.status.plugin, decision.status.reasons);
    this.#startIndex = decision.nextStartIndex;
    const count = snapshot.nodes.length;
    const evaluated = evaluatedOf(decision, startIndex, count, info);
    const row = recorder.record(timeMs, pod, decision, evaluated);
    if (this.#options.observe?.(row, pod, decision) === 'stop') this.isStopped = true;
    if (decision.kind === 'none') {
      return { kind: 'rejected', rejectedBy: decision.diagnosis.rejectedBy, decision };
    }
    const rejectedBy = this.#assume(info, decision.state, decision.nodeName);
    if (rejectedBy !== undefined) {
      recorder.revoke(row);
      return { kind: 'rejected', rejectedBy, decision };
    }
    const { nodeName } = decision;
    return { kind: 'placed', node: recorder.nodeIndex(nodeName), nodeName, row };
  }

  /** Takes an assumption back, as if it had never been. */
  retreat(info: PodInfo, nodeName: string, row: number): void {
    const { framework, recorder } = this.#options;
    framework.unreserve(new CycleState(), info, nodeName);
    this.cache.forgetPod(info.pod.metadata.uid);
    recorder.revoke(row);
  }

  #assume(info: PodInfo, state: CycleState, nodeName: string): ReadonlySet<string> | undefined {
    const { framework } = this.#options;
    const { pod } = info;
    const placed = { ...info, pod: { ...pod, spec: { ...pod.spec, nodeName } } };
    this.cache.assumePod(placed, nodeName);
    this.nominator.delete(pod.metadata.uid);
    const status =
      framework.reserve(state, info, nodeName) ?? framework.permit(state, info, nodeName).status;
    // Who waits for a permit is taken to get it: groups are the engine's.
    if (status === undefined || status.code === 'Wait') return undefined;
    if (status.code === 'Error') throw failureOf(info, status.plugin, status.reasons);
    framework.unreserve(state, info, nodeName);
    this.cache.forgetPod(pod.metadata.uid);
    return new Set(status.plugin === undefined ? [] : [status.plugin]);
  }
}

/** How far the search has moved; a nominated node that takes the pod is the only one asked. */
function evaluatedOf(
  decision: Extract<Decision, { kind: 'node' | 'none' }>,
  startIndex: number,
  count: number,
  { pod }: PodInfo,
): number {
  if (count === 0) return 0;
  const moved = (decision.nextStartIndex - startIndex + count) % count;
  const isNominated =
    decision.kind === 'node' && decision.nodeName === pod.status?.nominatedNodeName;
  return moved === 0 ? (isNominated ? 1 : count) : moved;
}

function failureOf(
  info: PodInfo,
  plugin = 'unknown',
  reasons: readonly string[] = [],
): PolicyFailure {
  const { name } = info.pod.metadata;
  return new PolicyFailure(`plugin "${plugin}" failed on pod "${name}": ${reasons.join(', ')}`);
}
