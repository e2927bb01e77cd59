/**
 * One worker for each pod that the API has on this node, from when the informer first shows it until
 * nothing of it is left. A pod that has ended here never starts again, whatever old news comes.
 */

import type { Logger } from '../../base/logger.ts';
import type { InformerHandler } from '../../client/informer.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { PodObserver } from '../cri/observe-pod.ts';
import { admit, type Rejection } from '../pod/admission.ts';
import type { RuntimeEvent } from '../pod/observed-pod.ts';
import type { PodContext } from './pod-context.ts';
import { newPodMemory } from './pod-memory.ts';
import { PodWorker } from './pod-worker.ts';

interface Running {
  readonly worker: PodWorker;
  readonly done: Promise<void>;
}

export class PodWorkers implements InformerHandler<Pod> {
  readonly #context: PodContext;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, Running>();
  /** Ended, but the informer doesn't know yet that the API has removed them. */
  readonly #finished = new Set<string>();

  /** The workers end when the signal is aborted; {@link close} waits for it. */
  constructor(context: PodContext, signal: AbortSignal) {
    this.#context = context;
    this.#logger = context.logger;
    this.#signal = signal;
  }

  onAdd(pod: Pod): void {
    this.#update(pod);
  }

  onUpdate(_old: Pod, pod: Pod): void {
    this.#update(pod);
  }

  onDelete(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#finished.delete(uid);
    this.#running.get(uid)?.worker.remove(pod);
  }

  /** Look at this pod: a probe's verdict on it has changed. */
  wake(uid: string): void {
    this.#running.get(uid)?.worker.wake();
  }

  /** The runtime says what happened; without an event anything may have. */
  notice(uid: string, event?: RuntimeEvent): void {
    const worker = this.#running.get(uid)?.worker;
    if (event === undefined) worker?.wake();
    else worker?.notice(event);
  }

  wakeAll(): void {
    for (const { worker } of this.#running.values()) worker.wake();
  }

  /** Whether somebody looks after this pod, or it has just ended. */
  owns(uid: string): boolean {
    return this.#running.has(uid) || this.#finished.has(uid);
  }

  pods(): readonly Pod[] {
    return [...this.#running.values()].map(({ worker }) => worker.pod);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #update(pod: Pod): void {
    const { uid } = pod.metadata;
    if (this.#signal.aborted || this.#finished.has(uid)) return;
    this.#context.statuses.observe(pod);
    const running = this.#running.get(uid);
    if (running !== undefined) {
      running.worker.update(pod);
      return;
    }
    const memory = newPodMemory(uid, new PodObserver(this.#context.cri, uid));
    memory.failure = this.#reject(pod);
    const worker = new PodWorker(this.#context, memory, pod);
    this.#running.set(uid, { worker, done: this.#run(worker, uid) });
  }

  /** Only before it has begun: what runs here has been admitted. */
  #reject(pod: Pod): Rejection | undefined {
    const isDeleted = pod.metadata.deletionTimestamp !== undefined;
    if (pod.status?.startTime !== undefined || isDeleted) return undefined;
    const others = this.pods().map((other) => this.#context.statuses.current(other));
    const rejected = admit(pod, others, this.#context.allocatable);
    if (rejected === undefined) return undefined;
    this.#context.events.record(pod, 'Warning', rejected.reason, rejected.message);
    return rejected;
  }

  async #run(worker: PodWorker, uid: string): Promise<void> {
    try {
      await worker.run(this.#signal);
    } catch (error) {
      this.#logger.error('A pod worker failed', { pod: keyOf(worker.pod), error });
    }
    if (this.#signal.aborted) return;
    this.#running.delete(uid);
    if (!worker.isGone) this.#finished.add(uid);
  }
}
