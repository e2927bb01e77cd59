/**
 * How early pods that run for a time could be done at all, whatever the policy: lower bounds of the
 * makespan and of the mean job completion time (JCT: from arrival to end). They hold for runs in which
 * every job is done; times are in one unit, of the caller's choice.
 */

export interface TimedJob {
  readonly arrival: number;
  /** How long it runs once started. */
  readonly duration: number;
  /** What it holds while it runs, by resource name. */
  readonly requests: Readonly<Record<string, number>>;
}

/**
 * The earliest end of the last job, counted from the first arrival. For each moment r and resource d: the
 * jobs that arrive at r or later start at r at the earliest and share the capacity of d; and no job ends
 * before its arrival and duration.
 */
export function makespanBound(
  jobs: readonly TimedJob[],
  capacity: Readonly<Record<string, number>>,
): number {
  const first = Math.min(...jobs.map(({ arrival }) => arrival));
  let end = Math.max(...jobs.map(({ arrival, duration }) => arrival + duration));
  const latestFirst = jobs.toSorted((a, b) => b.arrival - a.arrival);
  for (const [resource, amount] of Object.entries(capacity)) {
    if (amount <= 0) continue;
    let work = 0;
    for (const { arrival, duration, requests } of latestFirst) {
      work += duration * (requests[resource] ?? 0);
      end = Math.max(end, arrival + work / amount);
    }
  }
  return jobs.length === 0 ? 0 : end - first;
}

/**
 * The least mean JCT: the larger of the mean duration and, per resource, of the mean JCT when the whole
 * cluster were one machine that works on one job at a time, at the speed of its capacity, always on the
 * one with the least work left (SRPT). That machine can copy any schedule of the cluster, and SRPT is the
 * best order on one machine. Source: L. Schrage, "A proof of the optimality of the shortest remaining
 * processing time discipline", Operations Research 16 (1968).
 */
export function meanJctBound(
  jobs: readonly TimedJob[],
  capacity: Readonly<Record<string, number>>,
): number {
  if (jobs.length === 0) return 0;
  let best = jobs.reduce((sum, { duration }) => sum + duration, 0) / jobs.length;
  for (const [resource, amount] of Object.entries(capacity)) {
    if (amount <= 0) continue;
    const work = jobs.map(({ arrival, duration, requests }) => ({
      arrival,
      work: (duration * (requests[resource] ?? 0)) / amount,
    }));
    best = Math.max(best, shortestRemainingFirst(work) / jobs.length);
  }
  return best;
}

interface Work {
  readonly arrival: number;
  readonly work: number;
}

/** The sum of completion minus arrival on one machine of speed 1. O(n log n). */
function shortestRemainingFirst(jobs: readonly Work[]): number {
  const byArrival = jobs.toSorted((a, b) => a.arrival - b.arrival);
  const waiting: { arrival: number; left: number }[] = [];
  let total = 0;
  let now = 0;
  let next = 0;
  while (next < byArrival.length || waiting.length > 0) {
    const coming = byArrival[next];
    const current = waiting[0];
    if (current === undefined || (coming !== undefined && coming.arrival <= now)) {
      if (coming === undefined) break;
      now = Math.max(now, coming.arrival);
      push(waiting, { arrival: coming.arrival, left: coming.work });
      next += 1;
      continue;
    }
    const until = coming?.arrival ?? Number.POSITIVE_INFINITY;
    if (now + current.left <= until) {
      now += current.left;
      total += now - current.arrival;
      pop(waiting);
    } else {
      current.left -= until - now;
      now = until;
    }
  }
  return total;
}

/** A binary heap, least work left on top. The top's `left` may shrink in place. */
function push<T extends { readonly left: number }>(heap: T[], item: T): void {
  heap.push(item);
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.left <= item.left) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

function pop<T extends { readonly left: number }>(heap: T[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const leftItem = heap[left];
    if (leftItem === undefined) break;
    const rightItem = heap[left + 1];
    const isRight = rightItem !== undefined && rightItem.left < leftItem.left;
    const child = isRight ? rightItem : leftItem;
    if (child.left >= last.left) break;
    heap[at] = child;
    at = isRight ? left + 1 : left;
  }
  heap[at] = last;
}
