/**
 * Keys to work on: fair (first in, first out), stingy (a key added twice before it is taken is taken
 * once), and a key is at one worker at a time (added meanwhile, it comes again after `done`).
 * Additions may be delayed, or rate limited by the key's failures.
 *
 * Source: kubernetes/client-go util/workqueue/{queue,delaying_queue,rate_limiting_queue}.go, v0.36.
 */

import assert from 'node:assert';
import { Backoff, type BackoffOptions } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';

/** As client-go's default controller rate limiter, with a maximum that a person can wait for. */
const RETRY: BackoffOptions = { initialMs: 5, maxMs: 60_000 };

interface Delayed {
  readonly atMs: number;
  readonly cancel: () => void;
}

/** In memory only. */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  /** Waiting to be taken, in order; the same keys as in `#dirty` that aren't in `#processing`. */
  readonly #order: string[] = [];
  #head = 0;
  /** To be worked on. */
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #takers: ((key: string) => void)[] = [];

  constructor(options: { readonly clock: Clock; readonly retry?: BackoffOptions }) {
    this.#clock = options.clock;
    this.#backoff = new Backoff(options.retry ?? RETRY);
  }

  /** How many keys wait to be taken, without the delayed ones. */
  get length(): number {
    return this.#order.length - this.#head;
  }

  add(key: string): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  /** Of several delays of one key the earliest counts. At once when not positive. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#clock.monotonicMs() + ms;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.atMs <= atMs) return;
    earlier?.cancel();
    const cancel = this.#clock.schedule(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { atMs, cancel });
  }

  /** After a failure: later, and the later the more failures there were in a row. */
  addRateLimited(key: string): void {
    this.addAfter(key, this.#backoff.next(key));
  }

  /** After a success: the next failure is the first. */
  forget(key: string): void {
    this.#backoff.reset(key);
  }

  /** Failures in a row. */
  failures(key: string): number {
    return this.#backoff.failures(key);
  }

  /** The next key, when there is one; undefined when the signal is aborted. Then call `done`. */
  take(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const key = this.#order[this.#head];
    if (key !== undefined) {
      this.#head += 1;
      this.#compact();
      this.#begin(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => {
      const abort = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      };
      const taker = (taken: string): void => {
        signal.removeEventListener('abort', abort);
        this.#begin(taken);
        resolve(taken);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#takers.push(taker);
    });
  }

  /** The worker has finished with the key it took. */
  done(key: string): void {
    assert(this.#processing.delete(key), `Key ${key} is done, but nobody took it`);
    if (this.#dirty.has(key)) this.#enqueue(key);
  }

  /** Forgets what is delayed; so that no timer is left at the end. */
  close(): void {
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
  }

  #enqueue(key: string): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#order.push(key);
    else taker(key);
  }

  #begin(key: string): void {
    this.#dirty.delete(key);
    this.#processing.add(key);
  }

  /** `shift()` of a long array copies it: taken keys are cut off in one go. */
  #compact(): void {
    if (this.#head < 1024 && this.#head < this.#order.length) return;
    this.#order.splice(0, this.#head);
    this.#head = 0;
  }
}
