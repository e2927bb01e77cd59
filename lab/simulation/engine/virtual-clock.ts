/**
 * Time that passes only when it is told to: what is due is called in the order of its time, and of
 * equal times in the order in which it was asked for. Days of a trace cost what their events cost.
 */

import assert from 'node:assert/strict';
import type { Clock } from '../../../base/clock.ts';
import { KeyedHeap } from '../../../scheduler/queue/heap.ts';

interface Due {
  readonly key: string;
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Begins at 0; wall time is the same as monotonic time. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #due = new KeyedHeap<Due>(
    ({ key }) => key,
    (a, b) => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs),
  );

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.schedule(ms, resolve);
      const abort = (): void => {
        cancel();
        resolve();
      };
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  schedule(ms: number, callback: () => void): () => void {
    return this.at(this.#nowMs + Math.max(0, ms), callback);
  }

  /** As `schedule`, at a time of the run; one that is past is now. */
  at(atMs: number, callback: () => void): () => void {
    assert.ok(!Number.isNaN(atMs), 'A time must be a number');
    this.#order += 1;
    const key = String(this.#order);
    this.#due.push({ key, atMs: Math.max(atMs, this.#nowMs), order: this.#order, callback });
    return () => void this.#due.delete(key);
  }

  /** When the next thing is due; undefined when nothing is. */
  get nextMs(): number | undefined {
    return this.#due.peek()?.atMs;
  }

  /** Goes to the time of the next thing and calls it, and all that is due at the same time. */
  advance(): void {
    const next = this.#due.peek();
    if (next === undefined) return;
    this.#nowMs = next.atMs;
    for (let due = this.#due.peek(); due?.atMs === this.#nowMs; due = this.#due.peek()) {
      this.#due.pop();
      due.callback();
    }
  }
}
