/** Bounds of makespan and mean completion time: known cases, and never above what some schedule reaches. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  makespanBound,
  meanJctBound,
  type TimedJob,
} from '../../../../lab/simulation/bounds/time-bounds.ts';

function job(arrival: number, duration: number, cpu = 1): TimedJob {
  return { arrival, duration, requests: { cpu } };
}

describe('makespanBound', () => {
  it('counts work, the longest job, and what comes late', () => {
    assert.equal(makespanBound([job(0, 4), job(0, 4), job(0, 4)], { cpu: 2 }), 6);
    assert.equal(makespanBound([job(0, 9), job(0, 1)], { cpu: 2 }), 9);
    assert.equal(makespanBound([job(5, 1), job(15, 4), job(15, 4)], { cpu: 1 }), 18);
    assert.equal(makespanBound([], { cpu: 1 }), 0);
  });
});

describe('meanJctBound', () => {
  it('does the shortest first: Schrage', () => {
    // At 1 the short one goes before; then 2 of 3 are left. Completions at 2 and 4.
    assert.equal(meanJctBound([job(0, 3), job(1, 1)], { cpu: 1 }), (1 + 4) / 2);
    assert.equal(meanJctBound([], { cpu: 1 }), 0);
  });

  it('is never below the durations', () => {
    assert.equal(meanJctBound([job(0, 8), job(0, 4)], { cpu: 100 }), 6);
  });
});

describe('both', () => {
  it('are never above what any order of list scheduling reaches', () => {
    const jobs = fc.array(
      fc.record({
        arrival: fc.integer({ min: 0, max: 10 }),
        duration: fc.integer({ min: 1, max: 8 }),
        cpu: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(jobs, (drawn) => {
        const list = drawn.map(({ arrival, duration, cpu }) => job(arrival, duration, cpu));
        const makespan = makespanBound(list, { cpu: 3 });
        const jct = meanJctBound(list, { cpu: 3 });
        for (const order of permutations(list)) {
          const ends = listSchedule(order, 3);
          const first = Math.min(...list.map(({ arrival }) => arrival));
          assert.ok(makespan <= Math.max(...ends) - first);
          const total = ends.reduce((sum, end, i) => sum + end - (order[i]?.arrival ?? 0), 0);
          assert.ok(jct <= total / ends.length + 1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Starts each job, in this order, at the first moment from which on it has room; gives the ends. */
function listSchedule(jobs: readonly TimedJob[], cpu: number): readonly number[] {
  const used: number[] = [];
  return jobs.map(({ arrival, duration, requests }) => {
    const need = requests.cpu ?? 0;
    let start = arrival;
    const hasRoom = (at: number): boolean =>
      Array.from({ length: duration }, (_, i) => used[at + i] ?? 0).every((u) => u + need <= cpu);
    while (!hasRoom(start)) start += 1;
    for (let t = start; t < start + duration; t += 1) used[t] = (used[t] ?? 0) + need;
    return start + duration;
  });
}

function permutations<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length <= 1) return [list];
  return list.flatMap((item, i) =>
    permutations(list.toSpliced(i, 1)).map((rest) => [item, ...rest]),
  );
}
