/**
 * Mode `queued`: the scheduler's own queue on the virtual clock. Pods come, wait with back-off until an
 * event may help them, run for their time and leave; nodes fail and come back; victims of preemption
 * come again. Deciding takes no time.
 */

import assert from 'node:assert/strict';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { PodInfo } from '../../../scheduler/cache/pod-info.ts';
import { nodeHandler, podHandler } from '../../../scheduler/event-handlers.ts';
import { type QueuedPod, uidOf } from '../../../scheduler/queue/queued-pod.ts';
import { SchedulingQueue } from '../../../scheduler/queue/scheduling-queue.ts';
import type { Decision } from '../../../scheduler/schedule-one.ts';
import { podOfUid } from './pods-of.ts';
import type { RunState } from './run-state.ts';
import type { NodeChange, NodeFailure, RunOptions } from './scenario.ts';
import type { TimeRecorder } from './time-recorder.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A pod on a node. */
interface Running {
  readonly pod: Pod;
  readonly node: number;
  readonly cancelEnd: () => void;
}

/** A group whose members are not all here, or not on nodes yet; the first one stands in the queue. */
interface Group {
  readonly members: number[];
  isPlaced: boolean;
}

export class QueuedRun {
  readonly #state: RunState;
  readonly #clock: VirtualClock;
  readonly #time: TimeRecorder;
  readonly #options: RunOptions;
  readonly #queue: SchedulingQueue;
  readonly #pods: ReturnType<typeof podHandler>;
  readonly #nodes: ReturnType<typeof nodeHandler>;
  readonly #groups = new Map<number, Group>();
  readonly #running = new Map<number, Running>();
  readonly #onNode = new Map<number, Set<number>>();
  readonly #incarnation = new Map<number, number>();
  /** The nodes on which room is made, by pod; empty when that was taken back. */
  readonly #nominated = new Map<number, string>();
  /** Arrivals, ends, failures and repairs that are to come. */
  #toCome = 0;
  #arrived = 0;
  #waiting = 0;

  constructor(state: RunState, clock: VirtualClock, time: TimeRecorder, options: RunOptions) {
    this.#state = state;
    this.#clock = clock;
    this.#time = time;
    this.#options = options;
    const { framework, cache, nominator } = state.core;
    this.#queue = new SchedulingQueue({
      clock,
      less: (a, b) => framework.less(a, b),
      preEnqueue: (pod) => framework.preEnqueue(pod),
      registrations: new Map(framework.plugins.map(({ name, events = [] }) => [name, events])),
    });
    const handlers = {
      cache,
      queue: this.#queue,
      nominator,
      isOurs: () => true,
      onGone: () => undefined,
    };
    this.#pods = podHandler(handlers);
    this.#nodes = nodeHandler(handlers);
  }

  get arrived(): number {
    return this.#arrived;
  }

  /** Returns when nothing more can happen, or at the horizon. */
  run(): void {
    const { arrivals, failures, changes = [] } = this.#state.scenario;
    // Nodes first: pods of the same time come to the cluster as it is then.
    for (const change of changes) this.#at(change.atMs, () => this.#change(change));
    for (const [pod, atMs] of arrivals.arrivalMs.entries()) this.#at(atMs, () => this.#arrive(pod));
    for (const failure of failures) this.#at(failure.atMs, () => this.#fail(failure));
    const { core } = this.#state;
    this.#observe();
    for (;;) {
      this.#drain();
      const nextMs = this.#clock.nextMs;
      // Without anything to come, who waits waits for ever; only a back-off may still end.
      if (nextMs === undefined || nextMs > this.#options.horizonMs || core.isStopped) break;
      if (this.#toCome === 0 && this.#queue.sizes.backoff === 0) break;
      this.#clock.advance();
    }
    this.#queue.close();
    this.#observe();
  }

  #at(atMs: number, happen: () => void): () => void {
    this.#toCome += 1;
    const cancel = this.#clock.at(atMs, () => {
      this.#toCome -= 1;
      happen();
    });
    return () => {
      this.#toCome -= 1;
      cancel();
    };
  }

  #observe(): void {
    this.#time.observe(this.#clock.monotonicMs(), this.#running.size, this.#waiting);
  }

  #arrive(pod: number): void {
    this.#arrived += 1;
    this.#enter(pod);
  }

  /** To the queue, unless it waits for the others of its group. */
  #enter(pod: number): void {
    const { arrivals } = this.#state.scenario;
    this.#waiting += 1;
    this.#observe();
    const gang = arrivals.gang[pod] ?? -1;
    if (gang !== -1) {
      const group = this.#groups.get(gang) ?? { members: [], isPlaced: false };
      this.#groups.set(gang, group);
      if (!group.isPlaced) {
        group.members.push(pod);
        if (group.members.length !== (arrivals.gangs[gang]?.minCount ?? 1)) return;
      }
    }
    this.#pods.onAdd?.(this.#infoOf(gang === -1 ? pod : this.#first(gang, pod)).pod);
  }

  #first(gang: number, pod: number): number {
    const group = this.#groups.get(gang);
    return group === undefined || group.isPlaced ? pod : (group.members[0] ?? pod);
  }

  #infoOf(pod: number): PodInfo {
    const incarnation = this.#incarnation.get(pod) ?? 0;
    return this.#state.pods.info(pod, incarnation, this.#nominated.get(pod));
  }

  #drain(): void {
    const { core } = this.#state;
    for (;;) {
      if (core.isStopped) return;
      const queued = this.#queue.takeReady();
      if (queued === undefined) return;
      this.#scheduleOne(queued);
    }
  }

  #scheduleOne(queued: QueuedPod): void {
    const { scenario } = this.#state;
    const pod = podOfUid(uidOf(queued));
    const gang = scenario.arrivals.gang[pod] ?? -1;
    const group = this.#groups.get(gang);
    const members = group === undefined || group.isPlaced ? [pod] : group.members;
    const nowMs = this.#clock.monotonicMs();
    const placed = this.#state.placeTogether(nowMs, members, (member) => this.#infoOf(member));
    if (placed.kind === 'rejected') {
      const { rejectedBy, decision } = placed;
      const victims = this.#nominate(pod, members.length, decision);
      const failure = { kind: 'unschedulable', rejectedBy } as const;
      this.#queue.giveBack(queued, this.#infoOf(pod).pod, failure);
      for (const victim of victims) this.#throwOut(podOfUid(victim.metadata.uid), 'preempted');
      return;
    }
    if (group !== undefined) group.isPlaced = true;
    for (const [member, node] of placed.nodes) this.#start(member, node);
    this.#queue.done(uidOf(queued));
    this.#observe();
  }

  /** Room is made for a pod on its own, not for groups. Returns who has to go. */
  #nominate(pod: number, together: number, decision: Decision): readonly Pod[] {
    if (decision.kind !== 'none' || together > 1) return [];
    const { nominatedNodeName, victims } = decision;
    if (nominatedNodeName === undefined) return victims;
    this.#nominated.set(pod, nominatedNodeName);
    this.#state.core.nominator.set(this.#infoOf(pod), nominatedNodeName);
    return victims;
  }

  #start(pod: number, node: number): void {
    const { arrivals } = this.#state.scenario;
    const unbound = this.#infoOf(pod).pod;
    this.#nominated.delete(pod);
    const nodeName = arrivals.nodeNames[node] ?? '';
    const bound = { ...unbound, spec: { ...unbound.spec, nodeName } };
    this.#pods.onUpdate?.(unbound, bound);
    const nowMs = this.#clock.monotonicMs();
    const endMs = nowMs + (arrivals.durationMs[pod] ?? 0);
    const cancelEnd =
      endMs === Number.POSITIVE_INFINITY ? () => undefined : this.#at(endMs, () => this.#end(pod));
    this.#running.set(pod, { pod: bound, node, cancelEnd });
    this.#onNode.set(node, (this.#onNode.get(node) ?? new Set<number>()).add(pod));
    this.#time.change(nowMs, arrivals.podClass[pod] ?? 0, 1);
    this.#state.outcomes.start(pod, node, nowMs);
    this.#waiting -= 1;
  }

  #end(pod: number): void {
    this.#leave(pod);
    this.#state.outcomes.end(pod, this.#clock.monotonicMs());
    this.#observe();
  }

  #leave(pod: number): void {
    const running = this.#running.get(pod);
    assert.ok(running !== undefined, `Pod ${pod} doesn't run`);
    this.#running.delete(pod);
    this.#onNode.get(running.node)?.delete(pod);
    this.#state.meter.remove(this.#state.pods.requests(pod), running.node);
    const podClass = this.#state.scenario.arrivals.podClass[pod] ?? 0;
    this.#time.change(this.#clock.monotonicMs(), podClass, -1);
    this.#pods.onDelete?.(running.pod);
  }

  /** Thrown out: it comes again at once as a pod of its own, as its controller would make one. */
  #throwOut(pod: number, why: 'preempted' | 'failed'): void {
    this.#running.get(pod)?.cancelEnd();
    this.#leave(pod);
    this.#state.outcomes.lose(pod, why, this.#clock.monotonicMs());
    this.#incarnation.set(pod, (this.#incarnation.get(pod) ?? 0) + 1);
    this.#enter(pod);
  }

  #change({ node, object }: NodeChange): void {
    const { name } = this.#state.scenario.nodes[node]?.metadata ?? {};
    const old = this.#state.core.cache.snapshot().byName.get(name ?? '')?.node;
    if (object !== undefined) {
      if (old === undefined) this.#nodes.onAdd?.(object);
      else this.#nodes.onUpdate?.(old, object);
    } else if (old !== undefined) {
      this.#nodes.onDelete?.(old);
      for (const pod of [...(this.#onNode.get(node) ?? [])]) {
        this.#running.get(pod)?.cancelEnd();
        this.#end(pod);
      }
    }
    this.#state.meter.touch(node);
    this.#observe();
  }

  #fail({ node, repairedMs }: NodeFailure): void {
    const object = this.#state.scenario.nodes[node];
    if (object === undefined) return;
    // The node first, so that nobody comes back to it.
    this.#nodes.onDelete?.(object);
    for (const pod of [...(this.#onNode.get(node) ?? [])]) this.#throwOut(pod, 'failed');
    this.#state.meter.touch(node);
    this.#observe();
    this.#at(repairedMs, () => {
      this.#nodes.onAdd?.(object);
      this.#state.meter.touch(node);
    });
  }
}
