/**
 * Time as a dependency. Production takes {@link systemClock}; tests take a FakeClock
 * (test/support/fake-clock.ts) and move it.
 */

import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the epoch. May jump; for timestamps in objects. */
  wallMs(): number;
  /** Milliseconds since some fixed past instant. Never goes back; for durations. */
  monotonicMs(): number;
  /**
   * Resolves after at least this many milliseconds, or at once when the signal is aborted: look at
   * `signal.aborted` afterwards. Never rejects. For deadlines and back-off, not for polling.
   */
  after(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after this many milliseconds, unless the returned function is called before. */
  schedule(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: async (ms, signal) => {
    // The only rejection is the abort, which the caller reads from the signal.
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
  schedule: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** `2026-01-01T00:00:00.000Z`: RFC 3339 with milliseconds, in UTC. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
