/**
 * Exponential back-off per key, as a value: how long to wait after the n-th failure in a row.
 * It keeps no timer; the caller waits.
 */

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Each delay is this times the one before. Default 2. */
  readonly factor?: number;
}

/** Counts failures per key and says how long to wait. Memory: one number for each failing key. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #failures = new Map<string, number>();

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Counts a failure and returns the milliseconds to wait before the next try. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return backoffMs(this.#options, failures);
  }

  /** The number of failures in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Forgets the failures of a key: it succeeded, or it is gone. */
  reset(key: string): void {
    this.#failures.delete(key);
  }
}

/** The delay after `failures` earlier ones: `initial * factor^failures`, at most the maximum. */
export function backoffMs(options: BackoffOptions, failures: number): number {
  return Math.min(options.maxMs, options.initialMs * (options.factor ?? 2) ** failures);
}
