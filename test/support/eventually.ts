/** Polls with a deadline. */

import { systemClock } from '../../base/clock.ts';

const POLL_MS = 50;

/**
 * Calls until it neither throws nor returns false, and returns what it returns; throws its last
 * failure when the time is up. Default 30 s.
 */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await check();
      if (value !== false) return value;
    } catch (error) {
      failure = error;
    }
    if (systemClock.monotonicMs() > deadline) {
      throw new Error(`Not in ${timeoutMs} ms: ${what}`, { cause: failure });
    }
    await systemClock.after(POLL_MS);
  }
}
