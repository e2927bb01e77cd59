/**
 * How long a container that ended waits before it is started again: not at all after the first
 * end, then 10 s, doubling to 5 min, counted from the end of the last run. A container that ran
 * for 10 min starts over.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go `doBackOff` and client-go
 * util/flowcontrol/backoff.go, v1.36.
 */

export const CRASH_BACKOFF_INITIAL_MS = 10_000;
export const CRASH_BACKOFF_MAX_MS = 300_000;
/** After this long without a crash the next one counts as the first. */
const CRASH_BACKOFF_FORGET_MS = 2 * CRASH_BACKOFF_MAX_MS;

/** What is remembered of one container; the key is its name and the hash of its spec. */
export interface CrashBackoffEntry {
  readonly hash: string;
  readonly delayMs: number;
  /** The end of the run that set the delay. */
  readonly updatedAtMs: number;
}

/** When a container that ended at `finishedAtMs` may start; not in the future: now. */
export function mayStartAtMs(
  entry: CrashBackoffEntry | undefined,
  hash: string,
  finishedAtMs: number,
): number {
  if (entry === undefined || isForgotten(entry, hash, finishedAtMs)) return finishedAtMs;
  return finishedAtMs + entry.delayMs;
}

/** The entry after the container has been started again. */
export function afterRestart(
  entry: CrashBackoffEntry | undefined,
  hash: string,
  finishedAtMs: number,
): CrashBackoffEntry {
  const delayMs =
    entry === undefined || isForgotten(entry, hash, finishedAtMs)
      ? CRASH_BACKOFF_INITIAL_MS
      : Math.min(entry.delayMs * 2, CRASH_BACKOFF_MAX_MS);
  return { hash, delayMs, updatedAtMs: finishedAtMs };
}

/** `back-off 10s restarting failed container=app pod=web_default(uid)` */
export function crashLoopMessage(delayMs: number, container: string, pod: string): string {
  return `back-off ${formatSeconds(delayMs)} restarting failed container=${container} pod=${pod}`;
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}

function isForgotten(entry: CrashBackoffEntry, hash: string, finishedAtMs: number): boolean {
  return entry.hash !== hash || finishedAtMs - entry.updatedAtMs > CRASH_BACKOFF_FORGET_MS;
}
