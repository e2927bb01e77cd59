/** When a component that ended is started again. Pure. */

import { backoffMs } from '../../base/backoff.ts';

/** One that lived this long is healthy: it starts again at once, and its failures are forgotten. */
const HEALTHY_MS = 10_000;
const BACKOFF = { initialMs: 100, maxMs: 5_000 };

export interface RestartDecision {
  /** Milliseconds to wait before the start. */
  readonly delayMs: number;
  /** Short lives in a row, to pass in next time. */
  readonly failures: number;
}

/** The first restart is at once; a component that keeps dying young waits longer each time. */
export function decideRestart(livedMs: number, failures: number): RestartDecision {
  if (livedMs >= HEALTHY_MS) return { delayMs: 0, failures: 0 };
  if (failures === 0) return { delayMs: 0, failures: 1 };
  return { delayMs: backoffMs(BACKOFF, failures - 1), failures: failures + 1 };
}
