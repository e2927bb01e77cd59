/**
 * The time of day in nanoseconds, for log lines and events. The wall clock gives milliseconds; what is
 * below comes from the monotonic clock, and the wall clock's jumps are followed.
 */

import type { Clock } from '../../../base/clock.ts';

/** The two clocks are read one after the other, and the wall clock is rounded down. */
const DRIFT_MAX_MS = 2;

export class NanoClock {
  readonly #clock: Clock;
  #wallStartMs: number;
  #monotonicStartMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallStartMs = clock.wallMs();
    this.#monotonicStartMs = clock.monotonicMs();
  }

  /** Nanoseconds since the epoch. */
  now(): bigint {
    const wallMs = this.#clock.wallMs();
    const monotonicMs = this.#clock.monotonicMs();
    const sinceMs = monotonicMs - this.#monotonicStartMs;
    if (Math.abs(this.#wallStartMs + sinceMs - wallMs) > DRIFT_MAX_MS) {
      this.#wallStartMs = wallMs;
      this.#monotonicStartMs = monotonicMs;
      return BigInt(wallMs) * 1_000_000n;
    }
    return BigInt(this.#wallStartMs) * 1_000_000n + BigInt(Math.round(sinceMs * 1_000_000));
  }
}

/** `2026-01-01T00:00:00.000000000Z`: RFC 3339 with all nine digits, in UTC. */
export function formatNanoTime(ns: bigint, isoTime: (wallMs: number) => string): string {
  const seconds = isoTime(Number(ns / 1_000_000n)).slice(0, 19);
  return `${seconds}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
