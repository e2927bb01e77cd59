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
  if (shares > 0) resources.cpuShares = shares;
  if (quota !== 0) resources.cpuQuotaUs = quota;
  if (period > 0) resources.cpuPeriodUs = period;
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

/** An update changes what it names: the rest stays, also in what is reported. */
export function mergedResources(
  old: LinuxContainerResources | null,
  update: LinuxContainerResources,
): LinuxContainerResources {
  if (old === null) return update;
  const isGiven = (value: unknown): boolean => {
    if (typeof value === 'string') return value !== '' && value !== '0';
    return Object.keys(value ?? {}).length > 0;
  };
  const given = Object.entries(update).filter(([, value]) => isGiven(value));
  return { ...old, ...Object.fromEntries(given) };
}
