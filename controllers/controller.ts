/**
 * The one loop of every controller: keys come from informers, wait in a work queue, are reconciled by
 * a few workers, and come again later when that failed. What a reconciliation does depends only on
 * what it observes, so that it may be repeated, and begun again by another process, at any time.
 */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { WorkQueue } from '../client/work-queue.ts';
import { isConflict } from '../proto/api/status-error.ts';
import { isNamespaceTerminating } from './namespace/namespace-terminating.ts';

/** When to look at the key again although nothing changed; absent: never. */
export interface ReconcileResult {
  readonly againAfterMs?: number;
}

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys reconciled at a time. Default {@link WORKERS}. */
  readonly workers?: number;
  /** Nothing is reconciled before all of these have resolved. */
  readonly synced: readonly Promise<void>[];
  /** Makes the world as it should be for this key; a rejection brings the key back later. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
}

/** As kube-controller-manager's `--concurrent-*-syncs`. */
const WORKERS = 5;

/** What main runs. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

export class Controller implements Runnable {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#logger = options.logger.with({ controller: options.name });
    this.#queue = new WorkQueue({ clock: options.clock });
  }

  /** Reconciles the key soon. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, ms: number): void {
    this.#queue.addAfter(key, ms);
  }

  /** Returns when the signal is aborted and no reconciliation is under way. */
  async run(signal: AbortSignal): Promise<void> {
    const { synced, workers = WORKERS } = this.#options;
    try {
      await Promise.all(synced);
    } catch (error) {
      // Informers that end before their first list have been told to.
      if (signal.aborted) return;
      throw error;
    }
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
    this.#queue.close();
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take(signal);
      if (key === undefined) return;
      try {
        const result = await this.#options.reconcile(key, signal);
        this.#queue.forget(key);
        if (result?.againAfterMs !== undefined) this.#queue.addAfter(key, result.againAfterMs);
      } catch (error) {
        if (!signal.aborted) this.#retry(key, error);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  /** A conflict only says that the cache is behind, and in a namespace that goes all goes: no news. */
  #retry(key: string, error: unknown): void {
    this.#queue.addRateLimited(key);
    const fields = { key, error, failures: this.#queue.failures(key) };
    if (isConflict(error) || isNamespaceTerminating(error)) {
      this.#logger.debug('Will reconcile again after an expected failure', fields);
    } else this.#logger.warn('Will reconcile again after a failure', fields);
  }
}
