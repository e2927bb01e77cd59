/**
 * Hands every change to those who watch: one publisher, many watchers, each with a bounded queue of
 * what concerns it. A watcher that lags by more than the bound is dropped, so that it costs itself a
 * new list and not the process its memory.
 *
 * Events are shared by all watchers and never copied. What was before the subscription is left to
 * the caller.
 */

import { SlowWatcherError } from './storage.ts';

/**
 * How many events a watcher may lag by. Values are shared with the other watchers, but kept while one
 * lags: at 10 KiB a value and its predecessor, 200 MiB in the worst case.
 */
export const WATCH_BUFFER_EVENTS = 10_000;

/** Changes in order, and up to which revision they are everything. */
export interface Batch<E> {
  readonly events: readonly E[];
  readonly revision: number;
}

export interface SubscribeOptions<E> {
  /** Which events concern the watcher; called once for each event, when it is published. */
  readonly matches: (event: E) => boolean;
  /** The iteration ends when it is aborted. */
  readonly signal: AbortSignal;
  /**
   * `every`: a batch for each publication, also one without events. `events`: only batches with
   * events, and one without for each {@link Subscription.requestProgress}.
   */
  readonly progress: 'every' | 'events';
}

/** Invariant: revisions of published batches never go back. */
export class WatchHub<E> {
  readonly #bufferEvents: number;
  /** Those that want every publication, and those that want events only. */
  readonly #eager = new Set<Subscription<E>>();
  readonly #lazy = new Set<Subscription<E>>();
  #revision: number;
  #isClosed = false;

  /** `revision` is that of the source: the first batch to be published comes after it. */
  constructor(revision: number, bufferEvents = WATCH_BUFFER_EVENTS) {
    this.#revision = revision;
    this.#bufferEvents = bufferEvents;
  }

  /** Every change up to this revision has been published. */
  get revision(): number {
    return this.#revision;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#eager.size + this.#lazy.size;
  }

  /** All changes after the last batch, up to the revision. Costs O(events * watchers). */
  publish(events: readonly E[], revision: number): void {
    this.#revision = revision;
    for (const subscription of this.#eager) subscription.push(events);
    if (events.length === 0) return;
    for (const subscription of this.#lazy) subscription.push(events);
  }

  /**
   * Begins at once to collect what is published after {@link revision}. The caller must iterate the
   * result or `close` it. The iteration ends when the signal is aborted or the hub is closed.
   */
  subscribe(options: SubscribeOptions<E>): Subscription<E> {
    const group = options.progress === 'every' ? this.#eager : this.#lazy;
    const subscription = new Subscription(options, {
      revision: () => this.#revision,
      bufferEvents: this.#bufferEvents,
      onClose: () => group.delete(subscription),
    });
    if (this.#isClosed || options.signal.aborted) subscription.close();
    else group.add(subscription);
    return subscription;
  }

  /** Ends every watch there is, after what it has still to deliver; with an error, by throwing it. */
  endAll(error?: Error): void {
    for (const subscription of [...this.#eager, ...this.#lazy]) subscription.close(error);
  }

  /** Ends every watch, now and later. */
  close(): void {
    this.#isClosed = true;
    this.endAll();
  }
}

interface Source {
  readonly revision: () => number;
  readonly bufferEvents: number;
  readonly onClose: () => void;
}

/** The queue of one watcher. */
export class Subscription<E> {
  readonly #options: SubscribeOptions<E>;
  readonly #source: Source;
  #events: E[] = [];
  #delivered: number;
  /** Where it ended, once it is closed. */
  #endRevision: number | undefined;
  #isProgressWanted: boolean;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: SubscribeOptions<E>, source: Source) {
    this.#options = options;
    this.#source = source;
    this.#delivered = source.revision();
    this.#isProgressWanted = options.progress === 'every';
    options.signal.addEventListener('abort', this.#onAbort);
  }

  push(events: readonly E[]): void {
    for (const event of events) {
      if (this.#options.matches(event)) this.#events.push(event);
    }
    if (this.#events.length > this.#source.bufferEvents) {
      const lag = this.#events.length;
      this.#events = [];
      this.close(new SlowWatcherError(`The watcher lags by ${lag} events`));
      this.#endRevision = this.#delivered;
    } else if (this.#events.length > 0 || this.#isProgressWanted) this.#notify();
  }

  /** The next batch comes at once, with the events there are, or none. */
  requestProgress(): void {
    this.#isProgressWanted = true;
    this.#notify();
  }

  /** Ends the iteration after what is queued; with an error, by throwing it. */
  close(error?: Error): void {
    if (this.#endRevision !== undefined) return;
    this.#endRevision = this.#source.revision();
    this.#error = error;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#source.onClose();
    this.#notify();
  }

  /** All there is, at once, then what comes; to be iterated once. */
  async *batches(): AsyncGenerator<Batch<E>, void> {
    const { signal, progress } = this.#options;
    try {
      while (!signal.aborted) {
        const revision = this.#endRevision ?? this.#source.revision();
        const isProgressDue =
          this.#isProgressWanted && (progress === 'events' || revision > this.#delivered);
        if (this.#events.length > 0 || isProgressDue) {
          const events = this.#events;
          this.#events = [];
          this.#delivered = revision;
          this.#isProgressWanted = progress === 'every';
          yield { events, revision };
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#endRevision !== undefined) {
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
