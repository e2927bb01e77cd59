/** Resources of the CRI, where zero means absent, as what the cgroup code takes. Pure. */

import type { LinuxContainerResources } from '../../../proto/cri/types.ts';
import type { CgroupResources } from '../cgroup/resources.ts';

/** Processes and threads of one container when nobody says otherwise: stops fork bombs. */
export const CONTAINER_PIDS_MAX = 4_096;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export function cgroupResources(given: LinuxContainerResources | null): CgroupResources {
  const resources: Writable<CgroupResources> = {};
  if (given === null) return resources;
  const shares = Number(given.cpu_shares);
  const quota = Number(given.cpu_quota);
  const period = Number(given.cpu_period);
  const memory = Number(given.memory_limit_in_bytes);
  const swap = Number(given.memory_swap_limit_in_bytes);
  if (shares !== 0) resources.cpuShares = shares;
  if (quota !== 0) resources.cpuQuotaUs = quota;
  if (period !== 0) resources.cpuPeriodUs = period;
  if (memory !== 0) resources.memoryLimitBytes = memory;
  if (swap !== 0) resources.memorySwapLimitBytes = swap;
  if (given.cpuset_cpus !== '') resources.cpusetCpus = given.cpuset_cpus;
  if (given.cpuset_mems !== '') resources.cpusetMems = given.cpuset_mems;
  if (Object.keys(given.unified).length > 0) resources.unified = given.unified;
  if (given.hugepage_limits.length > 0) {
    resources.hugepageLimits = given.hugepage_limits.map((limit) => ({
      pageSize: limit.page_size,
      limitBytes: Number(limit.limit),
    }));
  }
  return resources;
}

/**
 * An update changes what it names: the rest stays, also in what is reported. A new limit of memory alone
 * takes the one of swap away, as at creation; the OOM score of processes that run stays.
 */
export function mergedResources(
  old: LinuxContainerResources | null,
  update: LinuxContainerResources,
): LinuxContainerResources {
  if (old === null) return { ...update, oom_score_adj: '0' };
  const isGiven = (value: unknown): boolean => {
    if (typeof value === 'string') return value !== '' && value !== '0';
    return Object.keys(value ?? {}).length > 0;
  };
  const given = Object.entries(update).filter(([, value]) => isGiven(value));
  const sizes = update.hugepage_limits.map((limit) => limit.page_size);
  const swap = isGiven(update.memory_limit_in_bytes)
    ? update.memory_swap_limit_in_bytes
    : old.memory_swap_limit_in_bytes;
  return {
    ...old,
    memory_swap_limit_in_bytes: swap,
    ...Object.fromEntries(given),
    oom_score_adj: old.oom_score_adj,
    unified: { ...old.unified, ...update.unified },
    hugepage_limits: [
      ...old.hugepage_limits.filter((limit) => !sizes.includes(limit.page_size)),
      ...update.hugepage_limits,
    ],
  };
}

/** What an update writes: what it names, and what shares a file or a sum with that. */
export function updatedResources(
  update: LinuxContainerResources,
  merged: LinuxContainerResources,
): CgroupResources {
  const changed: Writable<CgroupResources> = cgroupResources(update);
  const all = cgroupResources(merged);
  if (changed.cpuQuotaUs !== undefined || changed.cpuPeriodUs !== undefined) {
    if (all.cpuQuotaUs !== undefined) changed.cpuQuotaUs = all.cpuQuotaUs;
    if (all.cpuPeriodUs !== undefined) changed.cpuPeriodUs = all.cpuPeriodUs;
  }
  if (changed.memoryLimitBytes !== undefined)
    changed.memorySwapLimitBytes ??= changed.memoryLimitBytes;
  else if (changed.memorySwapLimitBytes !== undefined && all.memoryLimitBytes !== undefined) {
    changed.memoryLimitBytes = all.memoryLimitBytes;
  }
  return changed;
}
