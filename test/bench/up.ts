/**
 * How long `skiff up` takes until three nodes are Ready, from a warm start, and what memory all of
 * it takes together (PSS). The floor beside it: starting as many Node processes that do nothing.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { labProcesses } from '../../lab/cluster/leftovers.ts';
import { pssBytes } from '../../lab/proc.ts';
import { median } from '../support/statistics.ts';
import { TestLab } from '../support/test-lab.ts';

const RUNS = 5;
/** Supervisor, API server, scheduler, controllers; agent, runtime and spawner of three nodes. */
const PROCESSES = 13;

/** `{ readyMs, pssMb, floor: { readyMs, pssMb } }`; medians of five runs. */
export async function bench(): Promise<object> {
  const readyMs: number[] = [];
  const pssMb: number[] = [];
  const floorMs: number[] = [];
  const floorMb: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const lab = new TestLab();
    try {
      const startMs = performance.now();
      await lab.up();
      readyMs.push(performance.now() - startMs);
      pssMb.push(totalMb(labProcesses(lab.name)));
    } finally {
      await lab.down();
    }
    const floor = await emptyProcesses();
    floorMs.push(floor.ms);
    floorMb.push(floor.mb);
    process.stdout.write(
      `run ${run + 1}: ${readyMs.at(-1)?.toFixed(0)} ms, ${pssMb.at(-1)?.toFixed(0)} MB\n`,
    );
  }
  return {
    readyMs: Math.round(median(readyMs)),
    pssMb: Math.round(median(pssMb)),
    floor: { readyMs: Math.round(median(floorMs)), pssMb: Math.round(median(floorMb)) },
  };
}

/** Starts the same number of Node processes at once, and waits until each has printed. */
async function emptyProcesses(): Promise<{ readonly ms: number; readonly mb: number }> {
  const startMs = performance.now();
  const script = 'process.stdout.write("x"); process.stdin.resume()';
  const children = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] }),
  );
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const ms = performance.now() - startMs;
  const mb = totalMb(children.map(({ pid = 0 }) => pid));
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => once(child, 'exit')));
  return { ms, mb };
}

function totalMb(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + pssBytes(pid), 0) / 1024 ** 2;
}
