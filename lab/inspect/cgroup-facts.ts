/** The limits of a cgroup and what it uses, as words: the same for both versions of cgroups. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CgroupLayout, controllerFolder } from '../../agent/runtime/cgroup/layout.ts';
import { readCgroupStats } from '../../agent/runtime/cgroup/stats.ts';

export interface CgroupFacts {
  readonly cpu: CpuFacts;
  readonly memory: { readonly limitBytes?: number; readonly usedBytes: number };
  readonly pids: { readonly limit?: number; readonly used: number };
}

export interface CpuFacts {
  /** Thousandths of a CPU that it may use at most; absent: no limit. */
  readonly limitMilli?: number;
  /** How much it gets when others want it too: shares of v1 (2 to 262144), weight of v2 (1 to 10000). */
  readonly weight: { readonly kind: 'shares' | 'weight'; readonly value: number };
  readonly usedMs: number;
}

/** Undefined when there is no such cgroup (any more). */
export function readCgroup(layout: CgroupLayout, cgroup: string): CgroupFacts | undefined {
  const stats = readCgroupStats(layout, cgroup);
  if (stats === undefined) return undefined;
  const pidsMax = Number(read(controllerFolder(layout, cgroup, 'pids'), 'pids.max') ?? 'max');
  return {
    cpu: { ...cpuLimits(layout, cgroup), usedMs: stats.cpuUsageNs / 1e6 },
    memory: {
      usedBytes: stats.memoryUsageBytes,
      ...(stats.memoryLimitBytes !== undefined && { limitBytes: stats.memoryLimitBytes }),
    },
    pids: { used: stats.pids, ...(Number.isFinite(pidsMax) && { limit: pidsMax }) },
  };
}

function cpuLimits(layout: CgroupLayout, cgroup: string): Omit<CpuFacts, 'usedMs'> {
  const folder = controllerFolder(layout, cgroup, 'cpu');
  if (layout.kind === 'v2') {
    const [quota = 'max', period = '100000'] = (read(folder, 'cpu.max') ?? 'max').split(' ');
    const value = Number(read(folder, 'cpu.weight') ?? 100);
    return { weight: { kind: 'weight', value }, ...limitOf(Number(quota), Number(period)) };
  }
  const quota = Number(read(folder, 'cpu.cfs_quota_us') ?? -1);
  const period = Number(read(folder, 'cpu.cfs_period_us') ?? 100_000);
  const value = Number(read(folder, 'cpu.shares') ?? 1024);
  return { weight: { kind: 'shares', value }, ...limitOf(quota, period) };
}

/** `max` of v2 is no number, -1 of v1 is no limit. */
function limitOf(quota: number, period: number): { readonly limitMilli?: number } {
  return quota > 0 && period > 0 ? { limitMilli: Math.round((quota * 1000) / period) } : {};
}

function read(folder: string | undefined, name: string): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(path.join(folder, name), 'utf8').trim();
  } catch {
    return undefined; // This kernel does not have it.
  }
}
