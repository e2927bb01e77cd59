/**
 * Hands every change of a store to those who watch it: one publisher, many watchers by prefix, each
 * with a bounded queue. A watcher that lags by more than the bound is dropped, so that it costs itself
 * a new list and not the process its memory.
 *
 * Events are shared by all watchers and never copied. What was before the subscription is left to
 * the store.
 */

import { SlowWatcherError, type StorageEvent, type StorageEventBatch } from './storage.ts';

/**
 * How many events a watcher may lag by. Values are shared with the other watchers, but kept while one
 * lags: at 10 KiB a value and its predecessor, 200 MiB in the worst case.
 */
export const WATCH_BUFFER_EVENTS = 10_000;

/** Invariant: revisions of published batches never go back. */
export class WatchHub {
  readonly #bufferEvents: number;
  readonly #subscriptions = new Set<Subscription>();
  #revision: number;
  #isClosed = false;

  /** `revision` is that of the store: the first batch to be published comes after it. */
  constructor(revision: number, bufferEvents = WATCH_BUFFER_EVENTS) {
    this.#revision = revision;
    this.#bufferEvents = bufferEvents;
  }

  /** Every change up to this revision has been published. */
  get revision(): number {
    return this.#revision;
  }

  /** All changes of the store after the last batch, up to the revision. Costs O(events * watchers). */
  publish(events: readonly StorageEvent[], revision: number): void {
    this.#revision = revision;
    for (const subscription of this.#subscriptions) subscription.push(events, revision);
  }

  /**
   * Begins at once to collect what is published after {@link revision}. The caller must iterate the
   * result or `close` it. The iteration ends when the signal is aborted or the hub is closed.
   */
  subscribe(prefix: string, signal: AbortSignal): Subscription {
    const subscription = new Subscription({
      prefix,
      signal,
      revision: this.#revision,
      bufferEvents: this.#bufferEvents,
      onClose: () => this.#subscriptions.delete(subscription),
    });
    if (this.#isClosed) subscription.close();
    else this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Ends every watch; with an error, each fails with it after what it has still to deliver. */
  close(error?: Error): void {
    this.#isClosed = true;
    for (const subscription of [...this.#subscriptions]) subscription.close(error);
  }

  /** Ends the watches there are with an error; others may begin after. */
  failAll(error: Error): void {
    for (const subscription of [...this.#subscriptions]) subscription.close(error);
  }

  /** How many watch; for tests and metrics. */
  get watchers(): number {
    return this.#subscriptions.size;
  }
}

interface SubscriptionOptions {
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly revision: number;
  readonly bufferEvents: number;
  readonly onClose: () => void;
}

/** The queue of one watcher. */
export class Subscription {
  /** What is published after this is collected. */
  readonly startRevision: number;
  readonly #options: SubscriptionOptions;
  #events: StorageEvent[] = [];
  #revision: number;
  #delivered: number;
  #isClosed = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.startRevision = options.revision;
    this.#revision = options.revision;
    this.#delivered = options.revision;
    options.signal.addEventListener('abort', this.#onAbort);
    if (options.signal.aborted) this.close();
  }

  push(events: readonly StorageEvent[], revision: number): void {
    for (const event of events) {
      if (event.kv.key.startsWith(this.#options.prefix)) this.#events.push(event);
    }
    this.#revision = revision;
    if (this.#events.length > this.#options.bufferEvents) {
      const lag = this.#events.length;
      this.#events = [];
      this.#revision = this.#delivered;
      this.close(new SlowWatcherError(`The watcher lags by ${lag} events`));
    } else this.#notify();
  }

  close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#options.onClose();
    this.#notify();
  }

  /** All there is, at once, then what comes; to be iterated once. */
  async *batches(): AsyncGenerator<StorageEventBatch, void> {
    const { signal } = this.#options;
    try {
      while (!signal.aborted) {
        if (this.#revision > this.#delivered) {
          const events = this.#events;
          this.#events = [];
          this.#delivered = this.#revision;
          yield { events, revision: this.#delivered };
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#isClosed) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  readonly #onAbort = (): void => this.close();

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
