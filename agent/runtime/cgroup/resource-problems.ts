/** What is wrong with limits that are asked for, in words, before anything is written. Pure. */

import type { CgroupLayout } from './layout.ts';
import type { CgroupResources } from './resources.ts';

/** Source: kernel/sched/core.c (tg_set_cfs_bandwidth) of Linux 6.12. */
const PERIOD_US_MIN = 1_000;
const PERIOD_US_MAX = 1_000_000;
const QUOTA_US_MIN = 1_000;

/** As `0-3,7`. */
const CPU_LIST = /^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$/;
/** As the kernel names the files: `2MB`, `1GB`, `64KB`. */
const PAGE_SIZE = /^[1-9][0-9]*[KMG]B$/;
/** `memory.high`; what begins with `cgroup.` moves and kills processes and limits nothing. */
const UNIFIED_NAME = /^(?!cgroup\.)[a-z]+(\.[a-zA-Z0-9_]+)+$/;
const UNIFIED_VALUE_BYTES_MAX = 4_096;

/** Empty when all is fine; what only the kernel can know is not checked here. */
export function resourceProblems(
  layout: CgroupLayout,
  resources: CgroupResources,
): readonly string[] {
  const problems = [
    ...cpuProblems(resources),
    ...memoryProblems(resources),
    ...hugepageProblems(resources),
    ...unifiedProblems(layout, resources.unified ?? {}),
  ];
  return problems;
}

function cpuProblems(resources: CgroupResources): readonly string[] {
  const { cpuShares, cpuPeriodUs: period, cpuQuotaUs: quota } = resources;
  const problems: string[] = [];
  if (cpuShares !== undefined && cpuShares < 0) problems.push('CPU shares are not negative');
  if (period !== undefined && (period < PERIOD_US_MIN || period > PERIOD_US_MAX)) {
    problems.push(`a CPU period of ${period} µs is not ${PERIOD_US_MIN} to ${PERIOD_US_MAX}`);
  }
  if (quota !== undefined && quota !== -1 && quota < QUOTA_US_MIN) {
    problems.push(`a CPU quota of ${quota} µs is not -1 (none) or at least ${QUOTA_US_MIN}`);
  }
  for (const list of [resources.cpusetCpus, resources.cpusetMems]) {
    if (list !== undefined && !CPU_LIST.test(list)) {
      problems.push(`"${list}" is not a list of CPUs or memory nodes as 0-3,7`);
    }
  }
  return problems;
}

function memoryProblems(resources: CgroupResources): readonly string[] {
  const { memoryLimitBytes: memory, memorySwapLimitBytes: both } = resources;
  if ((memory ?? 0) < -1 || (both ?? 0) < -1) {
    return ['a limit of memory or swap is a number of bytes, or -1 (none)'];
  }
  if (both === undefined || both === -1) return [];
  if (memory === undefined) return ['a limit of swap needs one of memory: it counts both'];
  if (memory === -1) return ['swap cannot be limited where memory is not: the limit counts both'];
  if (both >= memory) return [];
  return [`the limit of memory and swap together (${both}) is below that of memory (${memory})`];
}

function hugepageProblems(resources: CgroupResources): readonly string[] {
  return (resources.hugepageLimits ?? []).flatMap(({ pageSize, limitBytes }) => [
    ...(PAGE_SIZE.test(pageSize) ? [] : [`"${pageSize}" is not a size of huge pages as 2MB`]),
    ...(limitBytes >= 0 ? [] : ['a limit of huge pages is not negative']),
  ]);
}

function unifiedProblems(
  layout: CgroupLayout,
  unified: Readonly<Record<string, string>>,
): readonly string[] {
  const entries = Object.entries(unified);
  const bad = entries.map(([name]) => name).filter((name) => !UNIFIED_NAME.test(name));
  if (bad.length > 0) return [`"${bad.join('", "')}" is not the name of a limit of cgroup v2`];
  const odd = entries.find(
    ([, value]) =>
      value === '' || /[\n\0]/.test(value) || Buffer.byteLength(value) > UNIFIED_VALUE_BYTES_MAX,
  );
  if (odd !== undefined) return [`the value of "${odd[0]}" is not one line`];
  return layout.kind === 'v1' && entries.length > 0
    ? ['"unified" resources need a machine with cgroup v2 only']
    : [];
}
