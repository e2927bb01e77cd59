/**
 * The scheduling loop: takes a pod from the queue, decides on a snapshot, assumes the decision, and
 * binds beside the next pods' decisions. Everything it knows comes from the informers: it can be
 * killed at any time.
 *
 * Source: kubernetes pkg/scheduler/{scheduler,schedule_one}.go, v1.36.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pod } from '../proto/api/gen/core-v1.ts';
import { keyOf } from '../proto/api/meta.ts';
import { BindingCycle } from './binding-cycle.ts';
import { SchedulerCache } from './cache/cache.ts';
import { newPodInfo, type PodInfo } from './cache/pod-info.ts';
import { DEFAULT_SCHEDULER_NAME } from './config/configuration.ts';
import { fitErrorMessage } from './diagnosis.ts';
import { nodeHandler, podHandler } from './event-handlers.ts';
import { DecisionLog, recordOf, recordOfVerdict } from './explain/decision-log.ts';
import { Explainer } from './explain/explainer.ts';
import { decideWithExtenders } from './extenders/decide-with-extenders.ts';
import type { Framework } from './framework/framework.ts';
import { errorText, type Status, unresolvable } from './framework/status.ts';
import { GANG_SCHEDULING } from './plugins/gang-scheduling.ts';
import { PodGroupCycle } from './pod-group-cycle.ts';
import { groupNameOf, type PodGroups } from './pod-groups.ts';
import { followUpOf, takeBack } from './policy/follow-up.ts';
import type { NamedVerdict, PolicyHost } from './policy/policies.ts';
import { newPolicyHost } from './policy/policy-host.ts';
import { Preemptions } from './preemptions.ts';
import { Nominator } from './queue/nominator.ts';
import { infoOf, type QueuedPod, uidOf } from './queue/queued-pod.ts';
import { registrationsOf } from './queue/registrations.ts';
import { type AttemptFailure, SchedulingQueue } from './queue/scheduling-queue.ts';
import { reportFailure } from './report-failure.ts';
import { reportGroup } from './report-group.ts';
import { type Decision, type DecisionOptions, decide } from './schedule-one.ts';
import type { SchedulerOptions } from './scheduler-options.ts';
import { WaitingPods } from './waiting-pods.ts';

/** Decisions go on at most this long before I/O gets its turn: bindings must get out. */
const SLICE_MS = 4;

/** How often a policy is asked again for a pod, when its node was taken meanwhile. */
const CONFLICTS_MAX = 3;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #frameworks: ReadonlyMap<string, Framework>;
  readonly #cache = new SchedulerCache();
  readonly #queue: SchedulingQueue;
  readonly #waiting: WaitingPods;
  readonly #nominator = new Nominator();
  readonly #preemptions: Preemptions;
  readonly #binding: BindingCycle;
  /** Absent: no profile schedules gangs. */
  readonly #gangs: PodGroupCycle | undefined;
  /** Bindings and reports under way. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #log = new DecisionLog();
  /** Answers why pods are where they are. */
  readonly explainer: Explainer;
  #startIndex = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { clock, frameworks } = options;
    this.#frameworks = new Map(frameworks.map((each) => [each.profileName, each]));
    this.#queue = new SchedulingQueue({
      clock,
      less: (a, b) => frameworks[0].less(a, b),
      preEnqueue: (pod) => this.#gate(pod),
      registrations: registrationsOf(frameworks),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
    this.#waiting = new WaitingPods(clock);
    const { client, logger, recorder, pods } = options;
    const [waiting, nominated] = [this.#waiting, this.#nominator];
    const forPreemption = { client, clock, logger, recorder, pods, waiting, nominated };
    this.#preemptions = new Preemptions(forPreemption);
    this.#binding = new BindingCycle({
      scheduler: options,
      cache: this.#cache,
      queue: this.#queue,
      waiting,
      nominator: nominated,
      track: (task) => this.#track(task),
      fail: (...failure) => this.#fail(...failure),
    });
    const { podGroups } = options;
    this.#gangs = podGroups === undefined ? undefined : this.#newPodGroupCycle(podGroups);
    this.explainer = new Explainer({
      log: this.#log,
      snapshot: () => this.#cache.snapshot(),
      frameworkOf: (pod) =>
        options.policies?.frameworkOf(pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME) ??
        this.#frameworkOf(pod),
      isAssumed: (uid) => this.#cache.isAssumed(uid),
      labelsOf: options.namespaceLabels ?? (() => ({})),
    });
    const state = {
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      groups: options.podGroups,
      isOurs: (pod: Pod) => this.#frameworkOf(pod) !== undefined,
      onGone: (uid: string) => {
        this.#waiting.reject(uid, '', 'the pod is gone');
        this.#log.forget(uid);
      },
    };
    options.nodes.addHandler(nodeHandler(state));
    options.pods.addHandler(podHandler(state));
    options.otherEvents?.((event) => this.#queue.moveOnEvent(event));
  }

  /** Returns when the signal is aborted and no binding is under way. The informers are the caller's. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, nodes, pods, synced = [] } = this.#options;
    await Promise.all([nodes.hasSynced, pods.hasSynced, ...synced]);
    let sliceEndsMs = clock.monotonicMs() + SLICE_MS;
    for (;;) {
      const queued = await this.#queue.take(signal);
      if (queued === undefined) break;
      const asking = this.#scheduleOne(queued, signal);
      if (asking !== undefined) await asking;
      if (clock.monotonicMs() < sliceEndsMs) continue;
      await nextTurn();
      sliceEndsMs = clock.monotonicMs() + SLICE_MS;
    }
    this.#queue.close();
    this.#waiting.rejectAll('the scheduler ends');
    await Promise.all(this.#tasks);
  }

  /** What the policies of this scheduler ask of it. */
  get policyHost(): PolicyHost {
    const { pods } = this.#options;
    return newPolicyHost({ pods, queue: this.#queue, waiting: this.#waiting, cache: this.#cache });
  }

  /** Of a policy's pods: the default one, which stands in for the policy. */
  #frameworkOf(pod: Pod): Framework | undefined {
    const { schedulerName = DEFAULT_SCHEDULER_NAME } = pod.spec;
    const { policies } = this.#options;
    const own = this.#frameworks.get(schedulerName);
    if (own !== undefined || policies?.owns(schedulerName) !== true) return own;
    return this.#standIn();
  }

  #standIn(): Framework {
    return this.#frameworks.get(DEFAULT_SCHEDULER_NAME) ?? this.#options.frameworks[0];
  }

  #newPodGroupCycle(groups: PodGroups): PodGroupCycle {
    return new PodGroupCycle({
      groups,
      cache: this.#cache,
      queue: this.#queue,
      waiting: this.#waiting,
      binding: this.#binding,
      fresh: (queued) => this.#fresh(queued),
      isDecidedBy: (framework, pod) => this.#isDecidedBy(framework, pod),
      decide: (queued, pod, framework) => this.#decide(queued, infoOf(queued, pod), framework),
      preempt: (...preemption) => this.#preempt(...preemption),
      fail: (...failure) => this.#fail(...failure),
      report: (outcome, signal) => this.#track(reportGroup(this.#options, outcome, signal)),
    });
  }

  /** Not success: the pod isn't to be tried for now. A gang waits for all that is made room for it. */
  #gate(pod: Pod): Status | undefined {
    const status = this.#frameworkOf(pod)?.preEnqueue(pod);
    const others = this.#options.podGroups?.waiting(pod) ?? [];
    const isMaking = [pod, ...others].some((each) =>
      this.#preemptions.isRunning(each.metadata.uid),
    );
    if (status !== undefined || !isMaking) return status;
    const text = 'waiting for the preemption for this pod to be finished';
    return { ...unresolvable(text), plugin: 'DefaultPreemption' };
  }

  /** The pod as the informer has it, if it still is the same one and needs a node. */
  #fresh(queued: QueuedPod): Pod | undefined {
    const pod = this.#options.pods.get(keyOf(queued.info.pod));
    if (pod === undefined || pod.metadata.uid !== uidOf(queued)) return undefined;
    return pod.spec.nodeName === undefined || pod.spec.nodeName === '' ? pod : undefined;
  }

  /** Nothing else is decided until what is returned has ended. */
  #scheduleOne(queued: QueuedPod, signal: AbortSignal): Promise<void> | undefined {
    const pod = this.#fresh(queued);
    const framework = pod === undefined ? undefined : this.#frameworkOf(pod);
    if (pod === undefined || framework === undefined || this.#cache.isAssumed(uidOf(queued))) {
      this.#queue.done(uidOf(queued));
      return undefined;
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      const text = `skip schedule deleting pod: ${keyOf(pod)}`;
      this.#options.recorder.record(pod, 'Warning', 'FailedScheduling', text);
      this.#queue.done(uidOf(queued));
      return undefined;
    }
    const verdict = this.#options.policies?.decide(queued, pod);
    if (verdict !== undefined) this.#track(this.#follow(queued, verdict, CONFLICTS_MAX, signal));
    else if (this.#options.extenders?.isInterested(pod) !== true) {
      this.#decideHere(queued, pod, framework, signal);
    } else return this.#decideWithExtenders(queued, pod, framework, signal);
    return undefined;
  }

  #decideHere(queued: QueuedPod, pod: Pod, framework: Framework, signal: AbortSignal): void {
    if (this.#gangs !== undefined && this.#isOfGang(pod, framework)) {
      this.#gangs.run(queued, pod, framework, signal);
      return;
    }
    const info = infoOf(queued, pod);
    const decision = this.#decide(queued, info, framework);
    this.#carryOut(queued, info, framework, decision, signal);
  }

  #decide(queued: QueuedPod, info: PodInfo, framework: Framework): Decision {
    const options = this.#decisionOptions(framework);
    const decision = decide(framework, this.#cache.snapshot(), info, options);
    this.#note(queued, decision, framework);
    return decision;
  }

  /** Remembers it for who asks, and where the next search begins. */
  #note(queued: QueuedPod, decision: Decision, framework: Framework): void {
    const { kind: tieBreak } = this.#decisionOptions(framework).tieBreak;
    const atMs = this.#options.clock.wallMs();
    this.#log.record(recordOf(uidOf(queued), decision, { atMs, tieBreak }));
    if (decision.kind !== 'error') this.#startIndex = decision.nextStartIndex;
  }

  #isOfGang(pod: Pod, framework: Framework): boolean {
    if (groupNameOf(pod) === undefined || this.#options.podGroups === undefined) return false;
    if (!framework.plugins.some(({ name }) => name === GANG_SCHEDULING)) return false;
    return this.#options.podGroups.policyOf(pod).kind !== 'none';
  }

  /** Whether its plugins alone decide of the pod. */
  #isDecidedBy(framework: Framework, pod: Pod): boolean {
    if (this.#options.extenders?.isInterested(pod) === true) return false;
    return this.#frameworks.get(pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME) === framework;
  }

  async #decideWithExtenders(
    queued: QueuedPod,
    pod: Pod,
    framework: Framework,
    signal: AbortSignal,
  ): Promise<void> {
    const { extenders } = this.#options;
    if (extenders === undefined) return;
    const info = infoOf(queued, pod);
    const options = this.#decisionOptions(framework);
    const snapshot = this.#cache.snapshot();
    const step = [framework, snapshot, info, options, extenders, signal] as const;
    const decision = await decideWithExtenders(...step);
    this.#note(queued, decision, framework);
    const now = this.#fresh(queued);
    const isGone = now === undefined || now.metadata.deletionTimestamp !== undefined;
    if (isGone || signal.aborted) this.#queue.done(uidOf(queued));
    else this.#carryOut(queued, info, framework, decision, signal);
  }

  #carryOut(
    queued: QueuedPod,
    info: PodInfo,
    framework: Framework,
    decision: Decision,
    signal: AbortSignal,
  ): void {
    const { pod } = info;
    switch (decision.kind) {
      case 'error':
        this.#fail(queued, errorText(decision.status), { kind: 'error' }, signal);
        break;
      case 'none': {
        const { diagnosis, nominatedNodeName: node, victims } = decision;
        if (victims.length > 0) this.#preempt(pod, node ?? '', victims, signal);
        const failure = { kind: 'unschedulable', rejectedBy: diagnosis.rejectedBy } as const;
        this.#fail(queued, fitErrorMessage(diagnosis), failure, signal, node);
        break;
      }
      case 'node': {
        const { state, nodeName } = decision;
        this.#binding.start({ framework, queued, state, pod: info, nodeName }, signal);
      }
    }
  }

  #decisionOptions({ settings }: Framework): DecisionOptions {
    return {
      startIndex: this.#startIndex,
      percentageOfNodesToScore: settings.percentageOfNodesToScore ?? 0,
      tieBreak: settings.tieBreak ?? this.#options.tieBreak,
      nominated: this.#nominator,
    };
  }

  /**
   * Does what a policy has decided, if it still can be: the policy decides in its own thread, on what
   * it knew a moment ago. What can't be done is asked again.
   */
  async #follow(
    queued: QueuedPod,
    asked: Promise<NamedVerdict>,
    conflictsLeft: number,
    signal: AbortSignal,
  ): Promise<void> {
    const verdict = await asked;
    const pod = this.#fresh(queued);
    const isGone = pod === undefined || pod.metadata.deletionTimestamp !== undefined;
    if (isGone || signal.aborted) {
      if (verdict.kind === 'decided') takeBack(verdict.framework, queued.info);
      this.#queue.done(uidOf(queued));
      return;
    }
    const info = infoOf(queued, pod);
    this.#log.record(recordOfVerdict(uidOf(queued), verdict, this.#options.clock.wallMs()));
    const options = this.#decisionOptions(this.#standIn());
    const next = followUpOf(verdict, info, this.#cache.snapshot(), options);
    switch (next.kind) {
      case 'standIn':
        this.#options.recorder.record(pod, 'Warning', 'PolicyStopped', next.text);
        this.#decideHere(queued, pod, this.#standIn(), signal);
        break;
      case 'none': {
        const { message, rejectedBy, victims, nominatedNodeName: node } = next;
        if (victims.length > 0) this.#preempt(pod, node ?? '', victims, signal);
        this.#fail(queued, message, { kind: 'unschedulable', rejectedBy }, signal, node);
        break;
      }
      case 'assume': {
        const { framework, state, nodeName } = next;
        this.#binding.start({ framework, queued, state, pod: info, nodeName }, signal);
        break;
      }
      case 'conflict': {
        takeBack(next.framework, queued.info);
        const { policies } = this.#options;
        const again = conflictsLeft > 0 ? policies?.decide(queued, pod) : undefined;
        if (again !== undefined) await this.#follow(queued, again, conflictsLeft - 1, signal);
        else this.#fail(queued, errorText(next.objection), { kind: 'error' }, signal);
      }
    }
  }

  #preempt(pod: Pod, nodeName: string, victims: readonly Pod[], signal: AbortSignal): void {
    const { uid } = pod.metadata;
    const others = this.#options.podGroups?.waiting(pod) ?? [];
    const end = (isDone: boolean): void => {
      if (!isDone) this.#queue.activate(uid);
      for (const each of [pod, ...others]) this.#queue.recheck(each.metadata.uid);
    };
    this.#track(this.#preemptions.run(pod, nodeName, victims, signal).then(end));
  }

  /** `nominatedNodeName`: empty: none any more; absent: as it was. */
  #fail(
    queued: QueuedPod,
    message: string,
    failure: AttemptFailure,
    signal: AbortSignal,
    nominatedNodeName?: string,
  ): void {
    const { client, clock, recorder, logger } = this.#options;
    const pod = this.#fresh(queued);
    if (pod === undefined) {
      this.#queue.done(uidOf(queued));
      return;
    }
    const reason = failure.kind === 'error' ? 'SchedulerError' : 'Unschedulable';
    logger.debug('Found no node for pod', { pod: keyOf(pod), why: message });
    this.#queue.giveBack(queued, pod, failure);
    this.#nominator.set(newPodInfo(pod), nominatedNodeName);
    const dependencies = { client, recorder, nowMs: clock.wallMs() };
    const nomination = nominatedNodeName === undefined ? {} : { nominatedNodeName };
    const what = { reason, message, ...nomination } as const;
    const report = reportFailure(dependencies, pod, what, signal);
    // The pod stays in the queue: its next attempt says it again.
    const log = (error: unknown): void =>
      logger.warn('Could not report on pod', { pod: keyOf(pod), error });
    this.#track(report.catch((error: unknown) => (signal.aborted ? undefined : log(error))));
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }
}
