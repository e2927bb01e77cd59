/** What a cgroup uses, read from its files. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type CgroupLayout, controllerFolder } from './layout.ts';
import { type Pressure, parsePressure } from './pressure.ts';

export interface CgroupStats {
  /** Nanoseconds of CPU time, all told. */
  readonly cpuUsageNs: number;
  readonly memoryUsageBytes: number;
  /** Usage without the page cache that the kernel would drop first. */
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  /** Absent: without limit. */
  readonly memoryLimitBytes?: number;
  /** Absent: swap is not counted here. */
  readonly swap?: SwapStats;
  /** Absent where the kernel does not count it; v1 alone has none. */
  readonly pressure?: Readonly<Record<'cpu' | 'memory' | 'io', Pressure>>;
  readonly pids: number;
}

export interface SwapStats {
  readonly usageBytes: number;
  /** Absent: without limit. */
  readonly limitBytes?: number;
}

/** v1 says "no limit" with the largest multiple of the page size. */
const UNLIMITED_BYTES = 2 ** 62;

/** Undefined when there is no such cgroup (any more). */
export function readCgroupStats(layout: CgroupLayout, cgroup: string): CgroupStats | undefined {
  const memory = controllerFolder(layout, cgroup, 'memory');
  const pids = controllerFolder(layout, cgroup, 'pids');
  const isV2 = layout.kind === 'v2';
  const stat = keyValues(readFile(memory, 'memory.stat'));
  const usage = readNumber(memory, isV2 ? 'memory.current' : 'memory.usage_in_bytes');
  const limit = readNumber(memory, isV2 ? 'memory.max' : 'memory.limit_in_bytes');
  const cpu = isV2
    ? keyValues(readFile(memory, 'cpu.stat')).get('usage_usec')
    : readNumber(controllerFolder(layout, cgroup, 'cpuacct'), 'cpuacct.usage');
  if (usage === undefined && cpu === undefined) return undefined;
  const prefix = isV2 ? '' : 'total_';
  const swap = isV2 ? v2Swap(memory) : v1Swap(memory, stat);
  const pressure = readPressure(layout, cgroup);
  const inactive = stat.get(`${prefix}inactive_file`) ?? 0;
  return {
    cpuUsageNs: (cpu ?? 0) * (isV2 ? 1000 : 1),
    memoryUsageBytes: usage ?? 0,
    memoryWorkingSetBytes: Math.max(0, (usage ?? 0) - inactive),
    memoryRssBytes: stat.get(isV2 ? 'anon' : 'total_rss') ?? 0,
    pageFaults: stat.get(`${prefix}pgfault`) ?? 0,
    majorPageFaults: stat.get(`${prefix}pgmajfault`) ?? 0,
    ...(limit !== undefined && limit < UNLIMITED_BYTES && { memoryLimitBytes: limit }),
    ...(swap && { swap }),
    ...(pressure && { pressure }),
    pids: readNumber(pids, 'pids.current') ?? 0,
  };
}

function v2Swap(memory: string | undefined): SwapStats | undefined {
  const usageBytes = readNumber(memory, 'memory.swap.current');
  const limitBytes = readNumber(memory, 'memory.swap.max');
  if (usageBytes === undefined) return undefined;
  return limitBytes === undefined ? { usageBytes } : { usageBytes, limitBytes };
}

/** v1 limits memory and swap together. */
function v1Swap(
  memory: string | undefined,
  stat: ReadonlyMap<string, number>,
): SwapStats | undefined {
  const both = readNumber(memory, 'memory.memsw.limit_in_bytes');
  const limit = readNumber(memory, 'memory.limit_in_bytes');
  if (both === undefined || limit === undefined) return undefined;
  const usageBytes = stat.get('total_swap') ?? 0;
  return both < UNLIMITED_BYTES
    ? { usageBytes, limitBytes: Math.max(0, both - limit) }
    : { usageBytes };
}

/** A hybrid machine has it in the v2 hierarchy. */
function readPressure(layout: CgroupLayout, cgroup: string): CgroupStats['pressure'] {
  const mount = layout.kind === 'v2' ? layout.mount : layout.unified;
  if (mount === undefined) return undefined;
  const [cpu, memory, io] = ['cpu', 'memory', 'io'].map((name) =>
    readFile(`${mount}${cgroup}`, `${name}.pressure`),
  );
  if (cpu === undefined || memory === undefined || io === undefined) return undefined;
  return { cpu: parsePressure(cpu), memory: parsePressure(memory), io: parsePressure(io) };
}

/**
 * How many processes of the cgroup and below the kernel has killed for want of memory, whosever limit
 * it was; 0 when unknown. v2 adds up by itself, v1 counts each cgroup alone.
 *
 * Source: cgroup-v2.rst (memory.events), mm/memcontrol.c (memcg_memory_event) of Linux 6.12.
 */
export function readOomKills(layout: CgroupLayout, cgroup: string): number {
  const folder = controllerFolder(layout, cgroup, 'memory');
  if (layout.kind === 'v2') return oomKills(folder, 'memory.events');
  return folder === undefined ? 0 : oomKillsBelow(folder);
}

function oomKillsBelow(folder: string): number {
  const below = foldersIn(folder).map((name) => oomKillsBelow(path.join(folder, name)));
  return below.reduce((sum, kills) => sum + kills, oomKills(folder, 'memory.oom_control'));
}

function oomKills(folder: string | undefined, name: string): number {
  return keyValues(readFile(folder, name)).get('oom_kill') ?? 0;
}

function foldersIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // It is gone.
  }
}

/** Lines of a name and a number. */
function keyValues(text: string | undefined): ReadonlyMap<string, number> {
  const lines = (text ?? '').split('\n').map((line) => line.split(' '));
  return new Map(lines.map(([name = '', value]) => [name, Number(value)]));
}

/** Undefined also for `max`. */
function readNumber(folder: string | undefined, name: string): number | undefined {
  const value = Number.parseInt(readFile(folder, name) ?? '', 10);
  return Number.isNaN(value) ? undefined : value;
}

function readFile(folder: string | undefined, name: string): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(path.join(folder, name), 'utf8');
  } catch {
    return undefined; // It is gone, or this kernel does not have the file.
  }
}
