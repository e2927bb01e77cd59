/**
 * The pods that wait for a node: active ones in the profile's order; those in back-off after an
 * attempt; and unschedulable ones, which wait for an event that may help them (or five minutes).
 * Gated pods wait apart, until what gates them may be over. A pod that was taken is in flight until it
 * is returned or done: events meanwhile are kept, and looked at when it comes back.
 *
 * Source: kubernetes pkg/scheduler/backend/queue/{scheduling_queue,backoff_queue}.go, v0.36.
 */

import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { newPodInfo, type PodInfo } from '../cache/pod-info.ts';
import type { ClusterEvent, EventRegistration } from '../framework/cluster-event.ts';
import type { Status } from '../framework/status.ts';
import { GatedPods } from './gated-pods.ts';
import { KeyedHeap } from './heap.ts';
import { type QueuedPod, uidOf } from './queued-pod.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  /** Not success: the pod is gated. */
  readonly preEnqueue: (pod: Pod) => Status | undefined;
  /** What each plugin, by name, has asked to be told; one that isn't here is told everything. */
  readonly registrations: ReadonlyMap<string, readonly EventRegistration[]>;
  readonly backoff?: QueueBackoff;
}

/** How long a pod waits after its first failed attempt; doubled with each more, up to the maximum. */
export interface QueueBackoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** `podInitialBackoffSeconds`, `podMaxBackoffSeconds`. */
const BACKOFF: QueueBackoff = { initialMs: 1_000, maxMs: 10_000 };
/** A pod that no event has helped is tried again after this. */
const UNSCHEDULABLE_MAX_MS = 5 * 60_000;
/** Back-offs end on multiples of this. */
const BACKOFF_WINDOW_MS = 1_000;
/** Events that nobody needs are forgotten this many at a time, or all. */
const EVENTS_TRIM_MIN = 1_024;
const NO_PLUGINS: ReadonlySet<string> = new Set();

interface InBackoff {
  readonly queued: QueuedPod;
  readonly untilMs: number;
}

interface Unschedulable {
  readonly queued: QueuedPod;
  readonly sinceMs: number;
}

/** Why an attempt failed. */
export type AttemptFailure =
  | { readonly kind: 'unschedulable'; readonly rejectedBy: ReadonlySet<string> }
  | { readonly kind: 'error' };

export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions;
  readonly #active: KeyedHeap<QueuedPod>;
  /** Tried early when nothing else is to do. */
  readonly #backoff: KeyedHeap<InBackoff>;
  /** After an error: never early. */
  readonly #errorBackoff: KeyedHeap<InBackoff>;
  /** In the order in which they came: the first one is flushed first. */
  readonly #unschedulable = new Map<string, Unschedulable>();
  readonly #gated = new GatedPods();
  /** Uid of each pod in flight -> index in `#events` from which on events are new to it. */
  readonly #inFlight = new Map<string, number>();
  #events: ClusterEvent[] = [];
  /** How many events were before those that are kept. */
  #eventsDropped = 0;
  #taker: ((queued: QueuedPod | undefined) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
    this.#active = new KeyedHeap(uidOf, options.less);
    const keyOf = (entry: InBackoff): string => uidOf(entry.queued);
    const sooner = (a: InBackoff, b: InBackoff): boolean =>
      a.untilMs === b.untilMs ? options.less(a.queued, b.queued) : a.untilMs < b.untilMs;
    this.#backoff = new KeyedHeap(keyOf, sooner);
    this.#errorBackoff = new KeyedHeap(keyOf, sooner);
  }

  /** How many pods wait where. */
  get sizes(): {
    readonly active: number;
    readonly backoff: number;
    readonly unschedulable: number;
    readonly gated: number;
    /** Kept for pods in flight. */
    readonly events: number;
  } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      unschedulable: this.#unschedulable.size,
      gated: this.#gated.size,
      events: this.#events.length,
    };
  }

  /** A pod without a node, new to the scheduler. */
  add(pod: Pod): void {
    if (this.#inFlight.has(pod.metadata.uid)) return;
    this.#activate({
      info: newPodInfo(pod),
      queuedMs: this.#options.clock.monotonicMs(),
      attempts: 0,
      unschedulableCount: 0,
      errorCount: 0,
      rejectedBy: NO_PLUGINS,
      isGated: false,
    });
  }

  /** A change of a waiting pod; it may be what its plugins wait for. */
  update(old: Pod, pod: Pod): void {
    const { uid } = pod.metadata;
    const event: ClusterEvent = { kind: 'UnscheduledPodUpdate', oldPod: old, pod };
    if (this.#inFlight.has(uid)) {
      this.#events.push(event);
      return;
    }
    const info = newPodInfo(pod);
    const active = this.#active.get(uid);
    const backoff = this.#backoff.get(uid);
    const errorBackoff = this.#errorBackoff.get(uid);
    const waiting = this.#unschedulable.get(uid);
    const gated = this.#gated.get(uid);
    if (active !== undefined) this.#active.push({ ...active, info });
    else if (backoff !== undefined) this.#backoff.push(withInfo(backoff, info));
    else if (errorBackoff !== undefined) this.#errorBackoff.push(withInfo(errorBackoff, info));
    else if (gated !== undefined) this.#activate({ ...gated, info });
    else if (waiting === undefined) this.add(pod);
    else {
      const { queued } = withInfo(waiting, info);
      this.#unschedulable.set(uid, { ...waiting, queued });
      if (this.#helps(event, queued)) this.#wake(queued);
    }
  }

  /** The pod is gone, or has a node. */
  delete(uid: string): void {
    this.#active.delete(uid);
    this.#backoff.delete(uid);
    this.#errorBackoff.delete(uid);
    this.#unschedulable.delete(uid);
    this.#gated.delete(uid);
    this.#setTimer();
  }

  /** What gated the pod may be over. */
  recheck(uid: string): void {
    const queued = this.#gated.get(uid);
    if (queued !== undefined) this.#activate(queued);
  }

  /** The pod, if it waits anywhere, is to be tried at once. */
  activate(uid: string): void {
    const inBackoff = this.#backoff.delete(uid) ?? this.#errorBackoff.delete(uid);
    const waiting = this.#unschedulable.get(uid)?.queued ?? this.#gated.get(uid);
    const queued = inBackoff?.queued ?? waiting;
    if (queued !== undefined) this.#activate(queued);
    this.#setTimer();
  }

  /** Something happened: pods that it may help are tried again, but for the one that caused it. */
  moveOnEvent(event: ClusterEvent, causedBy?: string): void {
    if (this.#inFlight.size > 0) this.#events.push(event);
    for (const { queued } of [...this.#unschedulable.values()]) {
      if (uidOf(queued) === causedBy) continue;
      if (this.#helps(event, queued)) this.#wake(queued);
    }
    for (const plugin of this.#gated.plugins) {
      if (!this.#mayMatter(event, plugin)) continue;
      for (const queued of this.#gated.by(plugin)) {
        if (this.#matters(event, queued, plugin)) this.#activate(queued);
      }
    }
  }

  /** The next pod to try, when there is one; undefined when the signal is aborted. */
  take(signal: AbortSignal): Promise<QueuedPod | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const next = this.#next();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => {
      const abort = (): void => this.#taker?.(undefined);
      this.#taker = (queued) => {
        this.#taker = undefined;
        signal.removeEventListener('abort', abort);
        resolve(queued);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** As {@link take}, without waiting: undefined when there is none now. */
  takeReady(): QueuedPod | undefined {
    return this.#next();
  }

  /**
   * This very pod, to be tried beside another one of its group, before its turn. Undefined when it is
   * gated, in flight, or waits out an error.
   */
  takeMember(uid: string): QueuedPod | undefined {
    const queued =
      this.#active.delete(uid) ??
      this.#backoff.delete(uid)?.queued ??
      this.#unschedulable.get(uid)?.queued;
    if (queued === undefined) return undefined;
    this.#unschedulable.delete(uid);
    this.#setTimer();
    return this.#fly(queued);
  }

  /** The pod that was taken has a node, or is gone. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
    this.#trimEvents();
  }

  /** The pod that was taken, as it is now, found no node. */
  giveBack(tried: QueuedPod, pod: Pod, failure: AttemptFailure): void {
    const uid = uidOf(tried);
    const from = this.#inFlight.get(uid);
    const events = from === undefined ? [] : this.#events.slice(from - this.#eventsDropped);
    this.done(uid);
    const isError = failure.kind === 'error';
    const queued: QueuedPod = {
      ...tried,
      info: pod === tried.info.pod ? tried.info : newPodInfo(pod),
      queuedMs: this.#options.clock.monotonicMs(),
      unschedulableCount: tried.unschedulableCount + (isError ? 0 : 1),
      errorCount: isError ? tried.errorCount + 1 : 0,
      rejectedBy: isError ? NO_PLUGINS : failure.rejectedBy,
    };
    if (isError) this.#pushBackoff(this.#errorBackoff, queued, queued.errorCount);
    else if (events.some((event) => this.#helps(event, queued))) this.#wake(queued);
    else {
      const sinceMs = this.#options.clock.monotonicMs();
      this.#unschedulable.set(uid, { queued, sinceMs });
      this.#setTimer();
    }
  }

  /** Leaves no timer behind. */
  close(): void {
    this.#cancelTimer?.();
  }

  #next(): QueuedPod | undefined {
    const queued = this.#active.pop() ?? this.#backoff.pop()?.queued;
    return queued === undefined ? undefined : this.#fly(queued);
  }

  #fly(queued: QueuedPod): QueuedPod {
    this.#inFlight.set(uidOf(queued), this.#eventsDropped + this.#events.length);
    return { ...queued, attempts: queued.attempts + 1 };
  }

  #activate(queued: QueuedPod): void {
    const uid = uidOf(queued);
    this.#unschedulable.delete(uid);
    this.#gated.delete(uid);
    const gate = this.#options.preEnqueue(queued.info.pod);
    if (gate !== undefined) {
      this.#gated.set({ ...queued, isGated: true }, gate.plugin ?? '');
      return;
    }
    this.#active.push({ ...queued, isGated: false });
    this.#offer();
  }

  /** To the active queue when its back-off is over, else to where that is waited for. */
  #wake(queued: QueuedPod): void {
    this.#unschedulable.delete(uidOf(queued));
    const waitMs = this.#backoffUntil(queued, queued.unschedulableCount);
    if (waitMs <= this.#options.clock.monotonicMs()) this.#activate(queued);
    else this.#pushBackoff(this.#backoff, queued, queued.unschedulableCount);
  }

  #pushBackoff(heap: KeyedHeap<InBackoff>, queued: QueuedPod, count: number): void {
    heap.push({ queued, untilMs: this.#backoffUntil(queued, count) });
    this.#setTimer();
    this.#offer();
  }

  /** Whole seconds, so that pods whose back-off ends about now go in the order of the queue. */
  #backoffUntil(queued: QueuedPod, count: number): number {
    if (count === 0) return 0;
    const untilMs = queued.queuedMs + backoffMs(this.#options.backoff ?? BACKOFF, count - 1);
    return Math.trunc(untilMs / BACKOFF_WINDOW_MS) * BACKOFF_WINDOW_MS;
  }

  #offer(): void {
    if (this.#taker === undefined) return;
    const next = this.#next();
    if (next !== undefined) this.#taker(next);
  }

  /** Nothing remembered of who turned it down: everything may help. */
  #helps(event: ClusterEvent, queued: QueuedPod): boolean {
    const { pod } = queued.info;
    if (event.kind === 'UnscheduledPodUpdate' && event.pod?.metadata.uid !== pod.metadata.uid) {
      return false;
    }
    // That its own reservation was taken back helps others only.
    const isOwn = event.pod?.metadata.uid === pod.metadata.uid;
    if (event.kind === 'AssignedPodDelete' && isOwn) return false;
    if (event.kind === 'Any' || queued.rejectedBy.size === 0) return true;
    for (const plugin of queued.rejectedBy) {
      if (!this.#options.registrations.has(plugin)) return true;
      if (this.#matters(event, queued, plugin)) return true;
    }
    return false;
  }

  /** Whether the plugin wants to be told of such events. */
  #mayMatter({ kind }: ClusterEvent, plugin: string): boolean {
    const wanted = this.#options.registrations.get(plugin) ?? [];
    return wanted.some((each) => each.kind === kind || each.kind === 'Any');
  }

  /** Whether the event may change the plugin's mind about the pod. */
  #matters(event: ClusterEvent, { info }: QueuedPod, plugin: string): boolean {
    for (const { kind, hint } of this.#options.registrations.get(plugin) ?? []) {
      if (kind !== event.kind && kind !== 'Any') continue;
      if (hint === undefined || hint(info.pod, event)) return true;
    }
    return false;
  }

  /** Forgets what is old to every pod in flight; under load there always is one. */
  #trimEvents(): void {
    // Pods are taken one after the other: the first one knows the least.
    const [oldest = this.#eventsDropped + this.#events.length] = this.#inFlight.values();
    const old = oldest - this.#eventsDropped;
    if (old < EVENTS_TRIM_MIN && old < this.#events.length) return;
    if (old < this.#events.length / 2) return;
    this.#events = this.#events.slice(old);
    this.#eventsDropped = oldest;
  }

  /** One timer, for whatever is due first. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let dueMs = Math.min(
      this.#backoff.peek()?.untilMs ?? Number.POSITIVE_INFINITY,
      this.#errorBackoff.peek()?.untilMs ?? Number.POSITIVE_INFINITY,
    );
    const [first] = this.#unschedulable.values();
    if (first !== undefined) dueMs = Math.min(dueMs, first.sinceMs + UNSCHEDULABLE_MAX_MS);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(0, dueMs - this.#options.clock.monotonicMs());
    this.#cancelTimer = this.#options.clock.schedule(Math.ceil(waitMs), () => this.#flush());
  }

  #flush(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let first = heap.peek(); first !== undefined && first.untilMs <= nowMs; ) {
        heap.pop();
        this.#activate(first.queued);
        first = heap.peek();
      }
    }
    for (const { queued, sinceMs } of [...this.#unschedulable.values()]) {
      if (sinceMs + UNSCHEDULABLE_MAX_MS > nowMs) break;
      this.#activate(queued);
    }
    this.#setTimer();
  }
}

function withInfo<E extends { readonly queued: QueuedPod }>(entry: E, info: PodInfo): E {
  return { ...entry, queued: { ...entry.queued, info } };
}
