/**
 * What a controller has asked for and not yet seen in its cache. As long as something is outstanding
 * the cache is behind, and acting on it would create or delete twice. What is never seen is forgotten
 * after five minutes.
 *
 * Source: kubernetes pkg/controller/controller_utils.go ControllerExpectations, v1.36.
 */

import type { Clock } from '../../base/clock.ts';

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  sinceMs: number;
}

/** Longer than any cache should ever lag. */
const FORGET_MS = 5 * 60_000;

/** By the key of the owner. */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(key: string, count: number): void {
    this.#of(key).creations += count;
  }

  expectDeletions(key: string, uids: readonly string[]): void {
    const { deletions } = this.#of(key);
    for (const uid of uids) deletions.add(uid);
  }

  /** One was seen, or its creation failed and there will be none. */
  creationSeen(key: string): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined && expected.creations > 0) expected.creations -= 1;
  }

  deletionSeen(key: string, uid: string): void {
    this.#expected.get(key)?.deletions.delete(uid);
  }

  isSatisfied(key: string): boolean {
    const expected = this.#expected.get(key);
    if (expected === undefined) return true;
    if (expected.creations === 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonicMs() - expected.sinceMs > FORGET_MS;
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#expected.delete(key);
  }

  #of(key: string): Expected {
    const nowMs = this.#clock.monotonicMs();
    let expected = this.#expected.get(key);
    if (expected === undefined || this.isSatisfied(key)) {
      expected = { creations: 0, deletions: new Set(), sinceMs: nowMs };
      this.#expected.set(key, expected);
    }
    expected.sinceMs = nowMs;
    return expected;
  }
}
