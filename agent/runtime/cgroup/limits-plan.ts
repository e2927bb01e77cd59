/**
 * Limits as writes to cgroup files, for each kind of hierarchy: v2 alone, v1, and v1 with a v2 hierarchy
 * beside it (hybrid), where a controller may be on either side. Pure.
 *
 * Source: Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of Linux 6.12; fs/ and fs2/ of
 * opencontainers/cgroups 0.0.6 (what runc 1.4 writes).
 */

import { weightOfShares } from './cpu-weight.ts';
import { type CgroupLayout, controllerFolder } from './layout.ts';
import type { CgroupResources } from './resources.ts';

export interface CgroupWrite {
  readonly file: string;
  readonly value: string;
  /** A machine without the file does without: what is asked of it holds there anyway. */
  readonly isOptional?: boolean;
}

const DEFAULT_PERIOD_US = 100_000;
const OPTIONAL = { isOptional: true } as const;

/** What {@link resourceProblems} has found nothing wrong with, in the order in which it is written. */
export function limitWrites(
  layout: CgroupLayout,
  path: string,
  resources: CgroupResources,
): readonly CgroupWrite[] {
  return layout.kind === 'v2'
    ? v2Writes(`${layout.mount}${path}`, resources)
    : v1Writes(layout, path, resources);
}

function v1Writes(
  layout: CgroupLayout & { readonly kind: 'v1' },
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
  const { memoryLimitBytes: memory, memorySwapLimitBytes: both = memory } = resources;
  add('memory', 'memory.limit_in_bytes', memory);
  // Without the file swap is not counted: more than the memory can't be promised then.
  add('memory', 'memory.memsw.limit_in_bytes', both, both === memory || both === -1);
  add('pids', 'pids.max', pidsMax(resources));
  add('cpuset', 'cpuset.cpus', resources.cpusetCpus);
  add('cpuset', 'cpuset.mems', resources.cpusetMems);
  for (const { pageSize, limitBytes } of resources.hugepageLimits ?? []) {
    add('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limitBytes);
    add('hugetlb', `hugetlb.${pageSize}.rsvd.limit_in_bytes`, limitBytes, true);
  }
  const hybrid = hybridFolder(layout, path, 'hugetlb');
  // A group above may hold processes, and then the kernel gives it none of the controllers of v2.
  if (hybrid !== undefined) writes.push(...hugetlbWrites(hybrid, resources, true));
  return writes;
}

/** Of a controller that a hybrid machine has in its v2 hierarchy; undefined when it is not there. */
export function hybridFolder(
  layout: CgroupLayout,
  path: string,
  controller: 'hugetlb',
): string | undefined {
  if (layout.kind === 'v2' || controllerFolder(layout, path, controller) !== undefined) {
    return undefined;
  }
  const isThere = layout.unifiedControllers?.includes(controller) ?? false;
  return isThere && layout.unified !== undefined ? `${layout.unified}${path}` : undefined;
}

function v2Writes(folder: string, resources: CgroupResources): readonly CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const add = (name: string, value: number | string | undefined, isOptional = false): void => {
    if (value === undefined) return;
    writes.push({ file: `${folder}/${name}`, value: String(value), ...(isOptional && OPTIONAL) });
  };
  if (resources.cpuShares !== undefined) add('cpu.weight', weightOfShares(resources.cpuShares));
  add('cpu.max', cpuMax(resources));
  const swap = swapMax(resources);
  // Before the memory's: what is swapped out already may stay there.
  add('memory.swap.max', swap, swap === 0 || swap === 'max');
  const { memoryLimitBytes: memory } = resources;
  add('memory.max', memory === -1 ? 'max' : memory);
  add('pids.max', pidsMax(resources));
  add('cpuset.cpus', resources.cpusetCpus);
  add('cpuset.mems', resources.cpusetMems);
  writes.push(...hugetlbWrites(folder, resources, false));
  for (const [name, value] of Object.entries(resources.unified ?? {})) add(name, value);
  return writes;
}

function hugetlbWrites(
  folder: string,
  resources: CgroupResources,
  isOptional: boolean,
): readonly CgroupWrite[] {
  return (resources.hugepageLimits ?? []).flatMap(({ pageSize, limitBytes }) => {
    const value = String(limitBytes);
    const file = `${folder}/hugetlb.${pageSize}`;
    return [
      { file: `${file}.max`, value, ...(isOptional && OPTIONAL) },
      { file: `${file}.rsvd.max`, value, ...OPTIONAL },
    ];
  });
}

function cpuMax(resources: CgroupResources): string | undefined {
  const { cpuQuotaUs: quota, cpuPeriodUs: period } = resources;
  if (quota === undefined && period === undefined) return undefined;
  const isLimited = quota !== undefined && quota > 0;
  return `${isLimited ? quota : 'max'} ${period ?? DEFAULT_PERIOD_US}`;
}

/** v2 counts swap by itself, the CRI counts it with the memory. */
function swapMax(resources: CgroupResources): number | 'max' | undefined {
  const { memoryLimitBytes: memory, memorySwapLimitBytes: both } = resources;
  if (memory === undefined && both === undefined) return undefined;
  if (memory === -1 || both === -1) return 'max';
  return (both ?? memory ?? 0) - (memory ?? 0);
}

function pidsMax(resources: CgroupResources): number | string | undefined {
  const { pidsLimit } = resources;
  return pidsLimit !== undefined && pidsLimit <= 0 ? 'max' : pidsLimit;
}
