/**
 * Why requests to upgrade were refused lately. kubectl repeats a refused one with the older protocol and
 * shows the answer to that, so that answer must tell why the first was refused.
 */

import type { Clock } from '../../../base/clock.ts';
import type { ApiError } from '../../../proto/api/status-error.ts';

/** Clients repeat at once. */
const REMEMBERED_MS = 5000;
const REMEMBERED_MAX = 256;

interface Refusal {
  readonly error: ApiError;
  readonly untilMs: number;
}

export class RecentRefusals {
  readonly #clock: Clock;
  readonly #refusals = new Map<string, Refusal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(user: string, path: string, error: ApiError): void {
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size >= REMEMBERED_MAX && oldest !== undefined) {
      this.#refusals.delete(oldest);
    }
    const untilMs = this.#clock.monotonicMs() + REMEMBERED_MS;
    this.#refusals.set(`${user} ${path}`, { error, untilMs });
  }

  find(user: string, path: string): ApiError | undefined {
    const known = this.#refusals.get(`${user} ${path}`);
    if (known === undefined || known.untilMs < this.#clock.monotonicMs()) return undefined;
    return known.error;
  }
}
