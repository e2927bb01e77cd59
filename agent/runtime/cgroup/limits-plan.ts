/**
 * Limits as writes to cgroup files, for each kind of hierarchy. Pure.
 *
 * Source: Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of Linux 6.12; the conversion of
 * shares to a weight is that of runc 1.4 and crun 1.24.
 */

import { type CgroupLayout, controllerFolder } from './layout.ts';
import type { CgroupResources } from './resources.ts';

export interface CgroupWrite {
  readonly file: string;
  readonly value: string;
  /** A machine without the file (swap accounting is off …) does without. */
  readonly isOptional?: boolean;
}

const DEFAULT_PERIOD_US = 100_000;
const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
const WEIGHT_MAX = 10_000;

/** A missing controller is an error only for what is asked of it; see {@link unsupportedLimits}. */
export function limitWrites(
  layout: CgroupLayout,
  path: string,
  resources: CgroupResources,
): readonly CgroupWrite[] {
  return layout.kind === 'v2'
    ? v2Writes(`${layout.mount}${path}`, resources)
    : v1Writes(layout, path, resources);
}

/** What is asked for and cannot be had on this machine, in words; empty when all is fine. */
export function unsupportedLimits(
  layout: CgroupLayout,
  resources: CgroupResources,
): readonly string[] {
  const names = Object.keys(resources.unified ?? {});
  const bad = names.filter((name) => !/^[a-z]+\.[a-z0-9_.]+$/i.test(name));
  if (bad.length > 0) return [`"${bad.join('", "')}" is not the name of a cgroup file`];
  return layout.kind === 'v1' && names.length > 0
    ? ['"unified" resources need a machine with cgroup v2 only']
    : [];
}

function v1Writes(
  layout: CgroupLayout,
  path: string,
  resources: CgroupResources,
): readonly CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (
    controller: 'cpu' | 'memory' | 'pids' | 'cpuset' | 'hugetlb',
    name: string,
    value: number | string | undefined,
    isOptional = false,
  ): void => {
    const folder = controllerFolder(layout, path, controller);
    if (value === undefined || folder === undefined) return;
    writes.push({ file: `${folder}/${name}`, value: String(value), ...(isOptional && OPTIONAL) });
  };
  add('cpu', 'cpu.shares', resources.cpuShares);
  add('cpu', 'cpu.cfs_period_us', resources.cpuPeriodUs);
  add('cpu', 'cpu.cfs_quota_us', resources.cpuQuotaUs);
  add('memory', 'memory.limit_in_bytes', resources.memoryLimitBytes);
  const swap = resources.memorySwapLimitBytes ?? resources.memoryLimitBytes;
  add('memory', 'memory.memsw.limit_in_bytes', swap, true);
  add('pids', 'pids.max', pidsMax(resources));
  add('cpuset', 'cpuset.cpus', resources.cpusetCpus);
  add('cpuset', 'cpuset.mems', resources.cpusetMems);
  for (const { pageSize, limitBytes } of resources.hugepageLimits ?? []) {
    add('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limitBytes, true);
  }
  return writes;
}

const OPTIONAL = { isOptional: true } as const;

function v2Writes(folder: string, resources: CgroupResources): readonly CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (name: string, value: number | string | undefined, isOptional = false): void => {
    if (value === undefined) return;
    writes.push({ file: `${folder}/${name}`, value: String(value), ...(isOptional && OPTIONAL) });
  };
  if (resources.cpuShares !== undefined) add('cpu.weight', weightOfShares(resources.cpuShares));
  add('cpu.max', cpuMax(resources));
  const { memoryLimitBytes: memory, memorySwapLimitBytes: both } = resources;
  add('memory.max', memory);
  // v2 counts swap by itself.
  if (memory !== undefined) add('memory.swap.max', Math.max(0, (both ?? memory) - memory), true);
  add('pids.max', pidsMax(resources));
  add('cpuset.cpus', resources.cpusetCpus);
  add('cpuset.mems', resources.cpusetMems);
  for (const { pageSize, limitBytes } of resources.hugepageLimits ?? []) {
    add(`hugetlb.${pageSize}.max`, limitBytes, true);
  }
  for (const [name, value] of Object.entries(resources.unified ?? {})) add(name, value);
  return writes;
}

function cpuMax(resources: CgroupResources): string | undefined {
  const { cpuQuotaUs: quota, cpuPeriodUs: period } = resources;
  if (quota === undefined && period === undefined) return undefined;
  const isLimited = quota !== undefined && quota > 0;
  return `${isLimited ? quota : 'max'} ${period ?? DEFAULT_PERIOD_US}`;
}

function pidsMax(resources: CgroupResources): number | string | undefined {
  const { pidsLimit } = resources;
  return pidsLimit !== undefined && pidsLimit <= 0 ? 'max' : pidsLimit;
}

/** 2 is 1, 1024 is 100, 262144 is 10000; a curve in between. */
export function weightOfShares(shares: number): number {
  if (shares <= SHARES_MIN) return 1;
  if (shares >= SHARES_MAX) return WEIGHT_MAX;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log ** 2 + 125 * log) / 612 - 7 / 34));
}
