/** Keys that come due at a time each: thousands of them on one timer. */

import type { Clock } from '../../base/clock.ts';
import { KeyedHeap } from '../../scheduler/queue/heap.ts';

interface Due {
  readonly key: string;
  readonly atMs: number;
}

export class DueKeys {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  readonly #heap = new KeyedHeap<Due>(
    ({ key }) => key,
    (a, b) => a.atMs < b.atMs,
  );
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** In the place of an earlier time of the key. */
  set(key: string, afterMs: number): void {
    this.#heap.push({ key, atMs: this.#clock.monotonicMs() + afterMs });
    this.#arm();
  }

  delete(key: string): void {
    this.#heap.delete(key);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const first = this.#heap.peek();
    if (first === undefined || (this.#timer !== undefined && this.#timer.atMs <= first.atMs))
      return;
    this.#timer?.cancel();
    const waitMs = Math.max(0, first.atMs - this.#clock.monotonicMs());
    this.#timer = { atMs: first.atMs, cancel: this.#clock.schedule(waitMs, () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || first.atMs > nowMs) break;
      this.#heap.pop();
      this.#onDue(first.key);
    }
    this.#arm();
  }
}
