/**
 * Pods that a Permit plugin makes wait, until every such plugin allows them, one rejects them, or
 * its time is over.
 *
 * Source: kubernetes pkg/scheduler/framework/runtime/waiting_pods_map.go, v1.36.
 */

import type { Clock } from '../base/clock.ts';
import { type Status, unschedulable } from './framework/status.ts';

interface Waiting {
  readonly plugins: Set<string>;
  readonly timers: (() => void)[];
  readonly end: (status: Status | undefined) => void;
}

/** By uid. */
export class WaitingPods {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with the rejection, or nothing when all the plugins have allowed the pod. */
  wait(uid: string, plugins: ReadonlyMap<string, number>): Promise<Status | undefined> {
    return new Promise((resolve) => {
      const timers: (() => void)[] = [];
      const end = (status: Status | undefined): void => {
        for (const cancel of timers) cancel();
        this.#waiting.delete(uid);
        resolve(status);
      };
      for (const [plugin, timeoutMs] of plugins) {
        const late = `rejected due to timeout after waiting ${timeoutMs / 1000}s at plugin ${plugin}`;
        const expire = (): void => this.reject(uid, plugin, late);
        timers.push(this.#clock.schedule(timeoutMs, expire));
      }
      this.#waiting.set(uid, { plugins: new Set(plugins.keys()), timers, end });
    });
  }

  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  /** One plugin has no objection any more. */
  allow(uid: string, plugin: string): void {
    const waiting = this.#waiting.get(uid);
    if (waiting?.plugins.delete(plugin) === true && waiting.plugins.size === 0) {
      waiting.end(undefined);
    }
  }

  reject(uid: string, plugin: string, why: string): void {
    this.#waiting.get(uid)?.end({ ...unschedulable(why), plugin });
  }

  /** The scheduler ends: nobody waits any longer. */
  rejectAll(why: string): void {
    for (const uid of [...this.#waiting.keys()]) this.reject(uid, '', why);
  }
}
