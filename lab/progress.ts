/** Prints the steps of a long command, a line each: `✓ Network ready (34 ms)`. */

import type { Clock } from '../base/clock.ts';

export class Progress {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Runs a step and prints ✓ with what it returns, or ✗ and lets the failure through. */
  async step<T>(
    name: string,
    run: () => Promise<T> | T,
    detail?: (result: T) => string,
  ): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    try {
      const result = await run();
      const more = detail === undefined ? '' : `: ${detail(result)}`;
      this.#write(`✓ ${name}${more} (${this.#since(startMs)})\n`);
      return result;
    } catch (error) {
      this.#write(`✗ ${name} (${this.#since(startMs)})\n`);
      throw error;
    }
  }

  note(text: string): void {
    this.#write(`${text}\n`);
  }

  #since(startMs: number): string {
    const ms = Math.round(this.#clock.monotonicMs() - startMs);
    return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
  }
}
