/**
 * The decision for a gang: all its members that wait are taken from the queue and decided one after the
 * other on one snapshot, each counting the ones before. When at least `minCount` have a node then, those
 * are bound; else all return to the queue, and nothing has happened to anybody. No gang ever holds
 * a part of what it needs while it waits for the rest.
 *
 * Source: kubernetes pkg/scheduler/schedule_one_podgroup.go, v1.36. Victims are counted out, and told to
 * go, only when the whole gang fits without them.
 */

import type { Pod } from '../proto/api/gen/core-v1.ts';
import type { Assumed } from './bind-pod.ts';
import type { BindingCycle, FailPod } from './binding-cycle.ts';
import type { SchedulerCache } from './cache/cache.ts';
import { newPodInfo } from './cache/pod-info.ts';
import { fitErrorMessage } from './diagnosis.ts';
import { CycleState } from './framework/cycle-state.ts';
import type { Framework } from './framework/framework.ts';
import { errorText, isRejected, type Status } from './framework/status.ts';
import { GANG_SCHEDULING, heldBack } from './plugins/gang-scheduling.ts';
import { priorityOf } from './plugins/priority-sort.ts';
import type { PodGroups } from './pod-groups.ts';
import { infoOf, type QueuedPod, uidOf } from './queue/queued-pod.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';
import type { GroupOutcome } from './report-group.ts';
import type { Decision } from './schedule-one.ts';
import { Together } from './together.ts';
import type { WaitingPods } from './waiting-pods.ts';

export interface PodGroupCycleOptions {
  readonly groups: PodGroups;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly waiting: WaitingPods;
  readonly binding: BindingCycle;
  /** The pod as it is now, if it still needs a node. */
  readonly fresh: (queued: QueuedPod) => Pod | undefined;
  /** Whether nobody besides this framework has a say. */
  readonly isDecidedBy: (framework: Framework, pod: Pod) => boolean;
  readonly decide: (queued: QueuedPod, pod: Pod, framework: Framework) => Decision;
  readonly preempt: (
    pod: Pod,
    nodeName: string,
    victims: readonly Pod[],
    signal: AbortSignal,
  ) => void;
  readonly fail: FailPod;
  readonly report: (group: GroupOutcome, signal: AbortSignal) => void;
}

type NoNode = Extract<Decision, { kind: 'none' }>;

/** What became of one member; what is held counts in the cache. */
type Attempt =
  | { readonly kind: 'held'; readonly assumed: Assumed }
  /** It fits when the victims are gone, who are out of the cache. */
  | {
      readonly kind: 'preempting';
      readonly assumed: Assumed;
      readonly decision: NoNode;
      /** Uids of those victims that the API doesn't know to have their node. */
      readonly assumedVictims: ReadonlySet<string>;
    }
  | { readonly kind: 'none'; readonly queued: QueuedPod; readonly decision: NoNode }
  | { readonly kind: 'refused'; readonly queued: QueuedPod; readonly status: Status };

type Outcome = 'bound' | 'preempting' | 'unschedulable';

const OTHERS_UNSCHEDULABLE = 'other pods from a pod group are unschedulable';
const OTHERS_PREEMPT = 'preemption is required for other pods from a pod group';

export class PodGroupCycle {
  readonly #options: PodGroupCycleOptions;

  constructor(options: PodGroupCycleOptions) {
    this.#options = options;
    const { groups, queue, waiting } = options;
    groups.attach({
      allow: (uid) => waiting.allow(uid, GANG_SCHEDULING),
      reject: (uid, why) => waiting.reject(uid, GANG_SCHEDULING, why),
      activate: (uid) => queue.activate(uid),
    });
  }

  /** `first` was taken from the queue; it is one of a gang, or its group isn't known any more. */
  run(first: QueuedPod, pod: Pod, framework: Framework, signal: AbortSignal): void {
    const { groups, binding, fail, report } = this.#options;
    const policy = groups.policyOf(pod);
    const gate = heldBack(groups, pod);
    if (policy.kind !== 'gang' || gate !== undefined) {
      const rejectedBy = new Set([GANG_SCHEDULING]);
      const message = gate?.reasons.join(', ') ?? OTHERS_UNSCHEDULABLE;
      fail(first, message, { kind: 'unschedulable', rejectedBy }, signal);
      return;
    }
    const attempts = this.#take(first, pod, framework).map(([queued, member]) =>
      this.#attempt(queued, member, framework),
    );
    const { group } = policy;
    const needsVictims = attempts.some(({ kind }) => kind === 'preempting');
    const isComplete = groups.isComplete(pod);
    if (isComplete && !needsVictims) {
      report({ group, isScheduled: true, message: '' }, signal);
      this.#returnAll(attempts, 'bound', signal);
      const held = attempts.flatMap((each) => (each.kind === 'held' ? [each.assumed] : []));
      const together = new Together(held.length, () => groups.isComplete(pod));
      binding.startHeld(held, together, signal);
      return;
    }
    for (const attempt of attempts.toReversed()) this.#undo(attempt);
    const message = isComplete ? OTHERS_PREEMPT : shortfall(attempts);
    report({ group, isScheduled: false, message }, signal);
    this.#returnAll(attempts, isComplete ? 'preempting' : 'unschedulable', signal);
  }

  /** All members that wait, the first one too, in the order to decide them. */
  #take(first: QueuedPod, pod: Pod, framework: Framework): readonly (readonly [QueuedPod, Pod])[] {
    const { groups, queue, fresh, isDecidedBy } = this.#options;
    const members: [QueuedPod, Pod][] = [[first, pod]];
    for (const other of groups.waiting(pod)) {
      const { uid, deletionTimestamp } = other.metadata;
      if (deletionTimestamp !== undefined || !isDecidedBy(framework, other)) continue;
      const queued = queue.takeMember(uid);
      if (queued === undefined) continue;
      const member = fresh(queued);
      if (member === undefined) queue.done(uid);
      else members.push([queued, member]);
    }
    return members.sort(
      ([a, podA], [b, podB]) => priorityOf(podB) - priorityOf(podA) || a.queuedMs - b.queuedMs,
    );
  }

  #attempt(queued: QueuedPod, member: Pod, framework: Framework): Attempt {
    const { binding, cache, decide, groups } = this.#options;
    const decision = decide(queued, member, framework);
    if (decision.kind === 'error') return { kind: 'refused', queued, status: decision.status };
    const nodeName =
      decision.kind === 'node' ? decision.nodeName : (decision.nominatedNodeName ?? '');
    if (decision.kind === 'none' && nodeName === '') return { kind: 'none', queued, decision };
    const state = decision.kind === 'node' ? decision.state : new CycleState();
    const pod = infoOf(queued, member);
    const assumed = { framework, queued, state, pod, nodeName };
    if (decision.kind === 'none') {
      const assumedVictims = new Set<string>();
      for (const { metadata } of decision.victims) {
        if (cache.isAssumed(metadata.uid)) assumedVictims.add(metadata.uid);
        cache.removePod(metadata.uid);
      }
      cache.assumePod(pod, nodeName);
      groups.assume(member);
      return { kind: 'preempting', assumed, decision, assumedVictims };
    }
    const status = binding.hold(assumed);
    if (status === undefined) return { kind: 'held', assumed };
    binding.drop(assumed);
    return { kind: 'refused', queued, status };
  }

  #undo(attempt: Attempt): void {
    const { binding, cache, groups } = this.#options;
    if (attempt.kind === 'held') binding.drop(attempt.assumed);
    if (attempt.kind !== 'preempting') return;
    const { queued, pod } = attempt.assumed;
    cache.forgetPod(uidOf(queued));
    groups.forget(pod.pod);
    for (const victim of attempt.decision.victims) {
      restore(cache, victim, attempt.assumedVictims.has(victim.metadata.uid));
    }
  }

  /** Says of each that isn't to be bound why, and returns it to the queue. */
  #returnAll(attempts: readonly Attempt[], outcome: Outcome, signal: AbortSignal): void {
    const { fail, preempt } = this.#options;
    const rejectedBy = new Set([GANG_SCHEDULING, ...attempts.flatMap(rejectorsOf)]);
    const failure = { kind: 'unschedulable', rejectedBy } as const;
    const isPreempting = outcome === 'preempting';
    const keepsRoom = attempts.some(waitsForVictims);
    for (const attempt of attempts) {
      switch (attempt.kind) {
        case 'held': {
          const { queued, nodeName } = attempt.assumed;
          const message = isPreempting ? OTHERS_PREEMPT : OTHERS_UNSCHEDULABLE;
          // While victims of others end, what was found for it before stays its own.
          const room = isPreempting ? nodeName : keepsRoom ? undefined : '';
          if (outcome !== 'bound') fail(queued, message, failure, signal, room);
          break;
        }
        case 'preempting': {
          const { queued, pod, nodeName } = attempt.assumed;
          const message = fitErrorMessage(attempt.decision.diagnosis);
          if (isPreempting) preempt(pod.pod, nodeName, attempt.decision.victims, signal);
          fail(queued, message, failure, signal, isPreempting ? nodeName : '');
          break;
        }
        case 'none': {
          const { queued, decision } = attempt;
          const message = fitErrorMessage(decision.diagnosis);
          fail(queued, message, failure, signal, decision.nominatedNodeName);
          break;
        }
        case 'refused': {
          const { queued, status } = attempt;
          if (isRejected(status)) fail(queued, status.reasons.join(', '), failure, signal, '');
          else fail(queued, errorText(status), { kind: 'error' }, signal);
        }
      }
    }
  }
}

function rejectorsOf(attempt: Attempt): readonly string[] {
  switch (attempt.kind) {
    case 'held':
      return [];
    case 'preempting':
    case 'none':
      return [...attempt.decision.diagnosis.rejectedBy];
    case 'refused':
      return attempt.status.plugin === undefined ? [] : [attempt.status.plugin];
  }
}

/** Room is being made for it since an earlier cycle, and isn't there yet. */
function waitsForVictims(attempt: Attempt): boolean {
  if (attempt.kind !== 'none' || attempt.decision.nominatedNodeName !== undefined) return false;
  return (attempt.queued.info.pod.status?.nominatedNodeName ?? '') !== '';
}

/** In the words of the first member that has no node. */
function shortfall(attempts: readonly Attempt[]): string {
  for (const attempt of attempts) {
    if (attempt.kind === 'none' || attempt.kind === 'preempting') {
      return fitErrorMessage(attempt.decision.diagnosis);
    }
    if (attempt.kind === 'refused') return errorText(attempt.status);
  }
  return OTHERS_UNSCHEDULABLE;
}

/** Counts a victim again. */
function restore(cache: SchedulerCache, victim: Pod, isAssumed: boolean): void {
  if (isAssumed) cache.assumePod(newPodInfo(victim), victim.spec.nodeName ?? '');
  else cache.setPod(victim);
}
