/** How much CPU cgroups use at the moment, from what they have used all told at two moments. */

import type { Clock } from '../../../base/clock.ts';

/** Clients that ask at the same time get the same rate; a shorter time says little. */
const INTERVAL_MIN_MS = 1_000;

interface Sample {
  readonly atMs: number;
  readonly usageNs: number;
  readonly nanoCores?: number;
}

export class CpuRates {
  readonly #clock: Clock;
  readonly #samples = new Map<string, Sample>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes a sample of the cgroup's CPU time and returns the nanoseconds of CPU it uses in a second, since
   * the sample before; undefined until there are two.
   */
  measure(cgroup: string, usageNs: number): number | undefined {
    const atMs = this.#clock.monotonicMs();
    const before = this.#samples.get(cgroup);
    if (before === undefined || usageNs < before.usageNs) {
      this.#samples.set(cgroup, { atMs, usageNs });
      return undefined;
    }
    const passedMs = atMs - before.atMs;
    if (passedMs < INTERVAL_MIN_MS) return before.nanoCores;
    const nanoCores = Math.round(((usageNs - before.usageNs) * 1_000) / passedMs);
    this.#samples.set(cgroup, { atMs, usageNs, nanoCores });
    return nanoCores;
  }

  forget(cgroup: string): void {
    this.#samples.delete(cgroup);
  }
}
