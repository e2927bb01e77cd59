/** Keeps a number of calls in flight and counts how many end in a second. */

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  readonly inFlight: number;
  readonly durationMs: number;
  /** Calls before this are not counted. */
  readonly warmUpMs: number;
}

/** `call` gets a number that is different each time. */
export async function measureLoad(
  load: Load,
  call: (index: number) => Promise<unknown>,
): Promise<LoadResult> {
  const { inFlight, durationMs, warmUpMs } = load;
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + durationMs;
  const latencies: number[] = [];
  let index = 0;
  const worker = async (): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < endMs; ) {
      index += 1;
      await call(index);
      const nowMs = performance.now();
      if (beganMs >= startMs && nowMs <= endMs) latencies.push(nowMs - beganMs);
      beganMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0;
  return {
    perSecond: Math.round((latencies.length / durationMs) * 1000),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
  };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
