/**
 * The pods that wait for a node: active ones in the profile's order; those in back-off after an
 * attempt; and unschedulable ones, which wait for an event that may help them (or five minutes).
 * Gated pods are among the last. A pod that was taken is in flight until it is returned or done:
 * events meanwhile are kept, and looked at when it comes back.
 *
 * Source: kubernetes pkg/scheduler/backend/queue/{scheduling_queue,backoff_queue}.go, v0.36.
 */

import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { newPodInfo, type PodInfo } from '../cache/pod-info.ts';
import type { ClusterEvent, EventRegistration } from '../framework/cluster-event.ts';
import type { Status } from '../framework/status.ts';
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
  readonly #unschedulable = new Map<string, Unschedulable>();
  /** Uid of each pod in flight -> index in `#events` from which on events are new to it. */
  readonly #inFlight = new Map<string, number>();
  #events: ClusterEvent[] = [];
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
  } {
    const backoff = this.#backoff.size + this.#errorBackoff.size;
    return { active: this.#active.size, backoff, unschedulable: this.#unschedulable.size };
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
    if (active !== undefined) this.#active.push({ ...active, info });
    else if (backoff !== undefined) this.#backoff.push(withInfo(backoff, info));
    else if (errorBackoff !== undefined) this.#errorBackoff.push(withInfo(errorBackoff, info));
    else if (waiting === undefined) this.add(pod);
    else {
      const { queued } = withInfo(waiting, info);
      this.#unschedulable.set(uid, { ...waiting, queued });
      if (queued.isGated) this.#activate(queued);
      else if (this.#helps(event, queued)) this.#wake(queued);
    }
  }

  /** The pod is gone, or has a node. */
  delete(uid: string): void {
    this.#active.delete(uid);
    this.#backoff.delete(uid);
    this.#errorBackoff.delete(uid);
    this.#unschedulable.delete(uid);
    this.#setTimer();
  }

  /** What gated the pod may be over. */
  recheck(uid: string): void {
    const queued = this.#unschedulable.get(uid)?.queued;
    if (queued?.isGated === true) this.#activate(queued);
  }

  /** The pod, if it waits anywhere, is to be tried at once. */
  activate(uid: string): void {
    const inBackoff = this.#backoff.delete(uid) ?? this.#errorBackoff.delete(uid);
    const queued = inBackoff?.queued ?? this.#unschedulable.get(uid)?.queued;
    if (queued !== undefined) this.#activate(queued);
    this.#setTimer();
  }

  /** Something happened: pods that it may help are tried again, but for the one that caused it. */
  moveOnEvent(event: ClusterEvent, causedBy?: string): void {
    if (this.#inFlight.size > 0) this.#events.push(event);
    for (const { queued } of [...this.#unschedulable.values()]) {
      if (queued.isGated || uidOf(queued) === causedBy) continue;
      if (this.#helps(event, queued)) this.#wake(queued);
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

  /** The pod that was taken has a node, or is gone. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
    this.#trimEvents();
  }

  /** The pod that was taken, as it is now, found no node. */
  giveBack(tried: QueuedPod, pod: Pod, failure: AttemptFailure): void {
    const uid = uidOf(tried);
    const from = this.#inFlight.get(uid);
    const events = from === undefined ? [] : this.#events.slice(from);
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
    if (queued === undefined) return undefined;
    this.#inFlight.set(uidOf(queued), this.#events.length);
    return { ...queued, attempts: queued.attempts + 1 };
  }

  #activate(queued: QueuedPod): void {
    const uid = uidOf(queued);
    if (this.#options.preEnqueue(queued.info.pod) !== undefined) {
      const sinceMs = this.#options.clock.monotonicMs();
      this.#unschedulable.set(uid, { queued: { ...queued, isGated: true }, sinceMs });
      return;
    }
    this.#unschedulable.delete(uid);
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

  #backoffUntil(queued: QueuedPod, count: number): number {
    return count === 0
      ? 0
      : queued.queuedMs + backoffMs(this.#options.backoff ?? BACKOFF, count - 1);
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
      const wanted = this.#options.registrations.get(plugin);
      if (wanted === undefined) return true;
      for (const { kind, hint } of wanted) {
        if ((kind === event.kind || kind === 'Any') && (hint === undefined || hint(pod, event)))
          return true;
      }
    }
    return false;
  }

  #trimEvents(): void {
    if (this.#inFlight.size === 0) this.#events = [];
  }

  /** One timer, for whatever is due first. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let dueMs = Math.min(
      this.#backoff.peek()?.untilMs ?? Number.POSITIVE_INFINITY,
      this.#errorBackoff.peek()?.untilMs ?? Number.POSITIVE_INFINITY,
    );
    for (const { queued, sinceMs } of this.#unschedulable.values()) {
      if (!queued.isGated) dueMs = Math.min(dueMs, sinceMs + UNSCHEDULABLE_MAX_MS);
    }
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
      if (!queued.isGated && sinceMs + UNSCHEDULABLE_MAX_MS <= nowMs) this.#activate(queued);
    }
    this.#setTimer();
  }
}

function withInfo<E extends { readonly queued: QueuedPod }>(entry: E, info: PodInfo): E {
  return { ...entry, queued: { ...entry.queued, info } };
}
