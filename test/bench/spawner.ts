/**
 * How fast the spawner starts containers: `npm run bench -- spawner [--starts N]`, as root. Beside it,
 * in the same run: `unshare` of the same namespaces with nothing mounted (the kernel's floor with one
 * process image) and, where it is installed, `runc run` of the same root.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seccompFilter } from '../../agent/runtime/sandbox/seccomp.ts';
import { DEFAULT_CAPABILITIES, notHere, SpawnerHarness } from '../support/spawner-harness.ts';
import { bareContainerMs } from './cri/bare-container.ts';

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

const FLOOR_RUNS = 50;
const DEFAULT_PROFILE = {
  seccomp: { profile_type: 'RuntimeDefault', localhost_ref: '' },
  seccomp_profile_path: '',
} as const;

export async function bench(args: readonly string[]): Promise<object> {
  if (notHere !== false) throw new Error(`The bench ${notHere}`);
  const { values } = parseArgs({ args: [...args], options: { starts: { type: 'string' } } });
  const starts = Number(values.starts ?? 300);
  const begin = performance.now();
  const harness = await SpawnerHarness.start();
  const startSpawnerMs = performance.now() - begin;
  try {
    await harness.createSandbox();
    const { pid } = await harness.client.request('version', {});
    const idle = memoryOf(pid);
    const containers = await benchContainers(harness, starts);
    const exec = await benchExec(harness, starts);
    return {
      startSpawnerMs: round(startSpawnerMs),
      pssMb: { idle, after: memoryOf(pid) },
      starts: 2 * starts + 1,
      clonedAgain: clonedAgain(harness),
      ...containers,
      execMs: exec,
      unshareFloorMs: floor(['unshare', '-muipnf', 'true']),
      bareContainerMs: bareContainerMs(),
    };
  } finally {
    await harness.stop();
  }
}

async function benchContainers(harness: SpawnerHarness, starts: number): Promise<object> {
  const seccomp = seccompFilter({ ...DEFAULT_PROFILE, privileged: false }, DEFAULT_CAPABILITIES);
  const create: number[] = [];
  const start: number[] = [];
  const confined: number[] = [];
  const exit: number[] = [];
  const remove: number[] = [];
  for (let index = 0; index < starts; index += 1) {
    // Every other one with the default filter, so that both see the same machine.
    const isConfined = index % 2 === 1;
    const spec = harness.spec('', {
      process: { args: ['/bin/true'], ...(isConfined && { seccomp }) },
    });
    const ref = { containerId: spec.id };
    await timed(create, () => harness.client.request('createContainer', spec));
    await timed(isConfined ? confined : start, () => harness.client.request('startContainer', ref));
    await timed(exit, () => harness.exitOf(spec.id));
    await timed(remove, () => harness.client.request('removeContainer', ref));
  }
  return {
    createMs: quantiles(create),
    startMs: quantiles(start),
    startWithSeccompMs: quantiles(confined),
    exitMs: quantiles(exit),
    removeMs: quantiles(remove),
  };
}

async function benchExec(harness: SpawnerHarness, runs: number): Promise<Quantiles> {
  const containerId = await harness.run('exec sleep 1000');
  const request = {
    containerId,
    process: { ...harness.spec('').process, args: ['/bin/true'] },
    isTty: false,
    isStdinOpen: false,
  };
  const times: number[] = [];
  for (let index = 0; index < runs; index += 1) {
    await timed(times, async () => {
      const session = await harness.client.exec(request);
      session.stdout.resume();
      session.stderr.resume();
      await session.exit;
    });
  }
  return quantiles(times);
}

async function timed(times: number[], run: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await run();
  times.push(performance.now() - begin);
}

function floor(command: readonly [string, ...string[]]): Quantiles | undefined {
  const [name, ...args] = command;
  const times: number[] = [];
  for (let index = 0; index < FLOOR_RUNS; index += 1) {
    const begin = performance.now();
    if (spawnSync(name, args).status !== 0) return undefined;
    times.push(performance.now() - begin);
  }
  return quantiles(times);
}

function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return round(Number(/^Pss:\s+(\d+)/m.exec(text)?.[1]) / 1024);
}

function clonedAgain(harness: SpawnerHarness): number {
  return (
    readFileSync(path.join(harness.runDir, 'spawner.log'), 'utf8').split('Cloned again').length - 1
  );
}

function quantiles(times: number[]): Quantiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor(sorted.length * share)] ?? 0);
  return { p50: at(0.5), p99: at(0.99) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
