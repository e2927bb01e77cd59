/**
 * The life of one pod on this node. Level-triggered: however it is woken (the API changed, something
 * happened in the runtime, a probe's verdict, a time has come), it looks at everything and does what
 * is to be done now. One thing at a time; only the wish to end a pod, or to end it sooner, interrupts.
 *
 * Source: kubernetes pkg/kubelet/pod_workers.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import { Backoff } from '../../base/backoff.ts';
import { parseApiTime } from '../../client/timestamps.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { isTerminalPhase } from '../pod/container-kinds.ts';
import { type RuntimeEvent, reflects } from '../pod/observed-pod.ts';
import { endPod, forgetPod, type Grace } from './end-pod.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { VOLUME_REFRESH_MS } from './pod-sandbox.ts';
import { syncPod } from './sync-pod.ts';

/** After a failure outside the pod. */
const RETRY = { initialMs: 200, maxMs: 10_000 };

export class PodWorker {
  readonly #context: PodContext;
  readonly #memory: PodMemory;
  readonly #backoff = new Backoff(RETRY);
  #pod: Pod;
  /** The API no longer has it. */
  #gone = false;
  /** Its containers have ended for good and its things are taken away. */
  #ended = false;
  #dirty = true;
  /** Not looked at yet. */
  readonly #events: RuntimeEvent[] = [];
  #woken = Promise.withResolvers<void>();
  #cancelTimer: (() => void) | undefined;
  #interrupt = new AbortController();
  #terminatingSinceMs: number | undefined;

  constructor(context: PodContext, memory: PodMemory, pod: Pod) {
    this.#context = context;
    this.#memory = memory;
    this.#pod = pod;
  }

  get pod(): Pod {
    return this.#pod;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** The API's pod has changed. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (graceSeconds(pod) !== graceSeconds(before)) this.#interrupt.abort();
    this.#refuseEphemeral(pod, before);
    if (!hasSameMetadata(pod, before)) this.#memory.volumesAtMs = -Infinity;
    if (!isEcho(pod, before)) this.wake();
  }

  /** The API no longer has the pod; this is how it was at last. */
  remove(last: Pod): void {
    this.#pod = last;
    this.#gone = true;
    this.#interrupt.abort();
    this.wake();
  }

  /** Something happened: look. */
  wake(): void {
    this.#dirty = true;
    this.#woken.resolve();
  }

  /** Something happened in the runtime: look, unless it has been seen already. */
  notice(event: RuntimeEvent): void {
    this.#events.push(event);
    this.#woken.resolve();
  }

  /** Resolves when nothing of the pod is left, or the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context;
    const { uid } = this.#pod.metadata;
    const abort = (): void => {
      this.#interrupt.abort();
      this.#woken.resolve();
    };
    signal.addEventListener('abort', abort, { once: true });
    while (!signal.aborted) {
      while (!this.#dirty && !this.#hasNews() && !signal.aborted) {
        this.#woken = Promise.withResolvers();
        await this.#woken.promise;
      }
      if (signal.aborted) break;
      this.#dirty = false;
      this.#interrupt = new AbortController();
      try {
        if (await this.#step(this.#interrupt.signal)) break;
        this.#backoff.reset(uid);
      } catch (error) {
        if (this.#interrupt.signal.aborted) continue;
        const retryMs = this.#backoff.next(uid);
        // That the runtime is away is said once for all pods.
        const isDown = error instanceof CriError && error.code === 'UNAVAILABLE';
        logger[isDown ? 'debug' : 'warn']('Could not sync the pod', {
          pod: keyOf(this.#pod),
          error,
          retryMs,
        });
        this.#wakeAt(clock.wallMs() + retryMs);
      }
    }
    signal.removeEventListener('abort', abort);
    this.#cancelTimer?.();
  }

  /** Most events are echoes of what this worker did and has seen since. */
  #hasNews(): boolean {
    const events = this.#events.splice(0);
    return events.some((event) => !reflects(this.#memory.observed, event));
  }

  /** True when the pod is gone and nothing is left of it. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const isDeleted = this.#gone || this.#pod.metadata.deletionTimestamp !== undefined;
    if (isDeleted) return this.#terminate(signal);
    if (this.#ended) return false;
    const outcome = await syncPod(this.#context, this.#memory, this.#pod, signal);
    const { clock } = this.#context;
    if (!outcome.ended) {
      this.#wakeAt(Math.min(outcome.wakeAtMs ?? Infinity, clock.wallMs() + VOLUME_REFRESH_MS));
      return false;
    }
    const graceMs = (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    const grace = { deadlineMs: clock.monotonicMs() + graceMs, force: false, gone: false };
    await endPod(this.#context, this.#memory, this.#pod, grace, signal);
    this.#ended = true;
    return false;
  }

  async #terminate(signal: AbortSignal): Promise<boolean> {
    const context = this.#context;
    if (!this.#ended) {
      await endPod(context, this.#memory, this.#pod, this.#grace(), signal);
      this.#ended = true;
    }
    if (!this.#gone) {
      await context.statuses.remove(this.#pod, signal);
      if (signal.aborted) return false;
    }
    await forgetPod(context, this.#memory, this.#pod, signal);
    return true;
  }

  /** They may be added to a pod that runs; nothing else of it is held up. */
  #refuseEphemeral(pod: Pod, before: Pod): void {
    const known = (before.spec.ephemeralContainers ?? []).map(({ name }) => name);
    for (const { name } of pod.spec.ephemeralContainers ?? []) {
      if (known.includes(name)) continue;
      const message = `Error: ephemeral container "${name}": not supported by this node`;
      this.#context.events.record(pod, 'Warning', 'Failed', message);
    }
  }

  /** Counted from when this agent first heard of it, and not longer than the API says. */
  #grace(): Grace {
    const { clock } = this.#context;
    const seconds = graceSeconds(this.#pod) ?? (this.#gone ? 0 : 30);
    this.#terminatingSinceMs ??= clock.monotonicMs();
    const endMs = parseApiTime(this.#pod.metadata.deletionTimestamp);
    const leftMs = endMs === undefined ? Infinity : Math.max(0, endMs + 1000 - clock.wallMs());
    const deadlineMs = Math.min(
      this.#terminatingSinceMs + seconds * 1000,
      clock.monotonicMs() + leftMs,
    );
    return { deadlineMs, force: seconds === 0, gone: this.#gone };
  }

  #wakeAt(atMs: number): void {
    this.#cancelTimer?.();
    const { clock } = this.#context;
    const leftMs = Math.max(0, atMs - clock.wallMs());
    this.#cancelTimer = clock.schedule(leftMs, () => this.wake());
  }
}

/** The downward API shows these. */
function hasSameMetadata({ metadata: a }: Pod, { metadata: b }: Pod): boolean {
  return isDeepStrictEqual([a.labels, a.annotations], [b.labels, b.annotations]);
}

/** Only what this agent itself has written is different. */
function isEcho(pod: Pod, before: Pod): boolean {
  return (
    hasSameMetadata(pod, before) &&
    graceSeconds(pod) === graceSeconds(before) &&
    !isTerminalPhase(pod.status?.phase) &&
    // Ready depends on what others say.
    pod.spec.readinessGates === undefined &&
    isDeepStrictEqual(pod.spec, before.spec)
  );
}

/** Undefined: the pod isn't being deleted. */
function graceSeconds(pod: Pod): number | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
