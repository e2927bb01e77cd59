/**
 * From a decision to a bound pod: the pod is assumed and reserved, permitted, prepared and bound, beside
 * the decisions for other pods. What fails is taken back, and the pod returns to the queue.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go, v1.36.
 */

import { keyOf } from '../proto/api/meta.ts';
import { isNotFound } from '../proto/api/status-error.ts';
import { type Assumed, bindMember, bindPod } from './bind-pod.ts';
import type { SchedulerCache } from './cache/cache.ts';
import { errorText, isRejected, type Status, unschedulable } from './framework/status.ts';
import { GANG_SCHEDULING } from './plugins/gang-scheduling.ts';
import type { Nominator } from './queue/nominator.ts';
import { type QueuedPod, uidOf } from './queue/queued-pod.ts';
import type { AttemptFailure, SchedulingQueue } from './queue/scheduling-queue.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import type { Together } from './together.ts';
import type { WaitingPods } from './waiting-pods.ts';

/** Says why the pod has no node, and returns it to the queue. */
export type FailPod = (
  queued: QueuedPod,
  message: string,
  failure: AttemptFailure,
  signal: AbortSignal,
  /** Empty: none any more; absent: as it was. */
  nominatedNodeName?: string,
) => void;

export interface BindingCycleOptions {
  readonly scheduler: Pick<
    SchedulerOptions,
    'clock' | 'extenders' | 'logger' | 'policies' | 'recorder'
  >;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly waiting: WaitingPods;
  readonly nominator: Nominator;
  readonly track: (task: Promise<void>) => void;
  readonly fail: FailPod;
}

export class BindingCycle {
  readonly #options: BindingCycleOptions;

  constructor(options: BindingCycleOptions) {
    this.#options = options;
  }

  /** Counts the pod on its node. A status: a plugin objects; {@link retreat} is to follow. */
  hold({ framework, state, pod, nodeName }: Assumed): Status | undefined {
    const { cache, nominator, scheduler } = this.#options;
    const { spec } = pod.pod;
    const placed = { ...pod, pod: { ...pod.pod, spec: { ...spec, nodeName } } };
    cache.assumePod(placed, nodeName);
    scheduler.policies?.feed.assume(placed.pod);
    nominator.delete(pod.pod.metadata.uid);
    return framework.reserve(state, pod, nodeName);
  }

  /** Takes {@link hold} back, as if it hadn't been. */
  drop({ framework, queued, state, pod, nodeName }: Assumed): void {
    framework.unreserve(state, pod, nodeName);
    this.#forget(queued);
  }

  start(assumed: Assumed, signal: AbortSignal): void {
    const objection = this.hold(assumed);
    if (objection !== undefined) this.retreat(assumed, objection, signal);
    else this.startHeld([assumed], undefined, signal);
  }

  /** Of pods that are held; none is bound before all may be, when they belong together. */
  startHeld(pods: readonly Assumed[], together: Together | undefined, signal: AbortSignal): void {
    const { track, waiting } = this.#options;
    const permits = pods.map((assumed) => {
      const { framework, state, pod, nodeName } = assumed;
      return { assumed, ...framework.permit(state, pod, nodeName) };
    });
    for (const { assumed, status, waitingOn } of permits) {
      if (status !== undefined && status.code !== 'Wait') {
        assumed.framework.unreserve(assumed.state, assumed.pod, assumed.nodeName);
        this.retreat(assumed, status, signal);
        together?.leave();
        continue;
      }
      const permitted =
        status === undefined
          ? Promise.resolve(undefined)
          : waiting.wait(uidOf(assumed.queued), waitingOn);
      track(this.#bind(assumed, permitted, together, signal));
    }
  }

  async #bind(
    assumed: Assumed,
    permitted: Promise<Status | undefined>,
    together: Together | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { framework, queued, state, pod, nodeName } = assumed;
    const { logger, recorder } = this.#options.scheduler;
    const objection = (await permitted) ?? (await framework.preBind(state, pod, nodeName, signal));
    if (objection !== undefined) {
      framework.unreserve(state, pod, nodeName);
      this.retreat(assumed, objection, signal);
      together?.leave();
      return;
    }
    const isAlone = (await together?.arrive()) === false;
    const isMember = together !== undefined;
    const status = isAlone ? ALONE : await this.#bindNow(assumed, isMember, signal);
    if (status !== undefined) {
      framework.unreserve(state, pod, nodeName);
      // The others run already: its room is kept for the one that is missing.
      this.retreat(assumed, status, signal, isMember && !isAlone ? nodeName : undefined);
      return;
    }
    this.#options.queue.done(uidOf(queued));
    const text = `Successfully assigned ${keyOf(pod.pod)} to ${nodeName}`;
    recorder.record(pod.pod, 'Normal', 'Scheduled', text);
    logger.debug('Bound pod', { pod: keyOf(pod.pod), node: nodeName });
    framework.postBind(state, pod, nodeName);
  }

  #bindNow(assumed: Assumed, isMember: boolean, signal: AbortSignal): Promise<Status | undefined> {
    const { cache, scheduler } = this.#options;
    const { clock, extenders } = scheduler;
    if (!isMember) return bindPod(assumed, extenders, signal);
    const isAssumed = (): boolean => cache.isAssumed(uidOf(assumed.queued));
    return bindMember(assumed, extenders, { clock, isAssumed }, signal);
  }

  /** Takes an assumption back, which others may profit from, and returns the pod to the queue. */
  retreat(
    { queued, pod }: Assumed,
    status: Status,
    signal: AbortSignal,
    nominatedNodeName?: string,
  ): void {
    const { queue, fail } = this.#options;
    this.#forget(queued);
    // A pod that is gone needs no node.
    if (isNotFound(status.error) || signal.aborted) {
      queue.done(uidOf(queued));
      return;
    }
    if (isRejected(status)) {
      const rejectedBy = new Set(status.plugin === undefined ? [] : [status.plugin]);
      const failure = { kind: 'unschedulable', rejectedBy } as const;
      fail(queued, status.reasons.join(', '), failure, signal, nominatedNodeName);
    } else fail(queued, errorText(status), { kind: 'error' }, signal, nominatedNodeName);
    queue.moveOnEvent({ kind: 'AssignedPodDelete', pod: pod.pod }, uidOf(queued));
  }

  #forget(queued: QueuedPod): void {
    const { cache, scheduler } = this.#options;
    cache.forgetPod(uidOf(queued));
    scheduler.policies?.feed.forget(uidOf(queued));
  }
}

const ALONE: Status = {
  ...unschedulable('other pods from a pod group are unschedulable'),
  plugin: GANG_SCHEDULING,
};
