/** What containers and sandboxes use, as messages. */

import path from 'node:path';
import type {
  ContainerStats,
  CpuUsage,
  MemoryUsage,
  PodSandboxStats,
} from '../../../proto/cri/stats-types.ts';
import type { Input } from '../../../proto/cri/types.ts';
import type { CgroupStats } from '../cgroup/stats.ts';
import { diskUsage } from '../sandbox/disk-usage.ts';
import { cgroupParentOf } from '../sandbox/sandboxes.ts';
import type { ContainerRecord } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';
import type { Services } from './rpc.ts';

/** Attributes only for a container that does not run: there is nothing to measure. */
export function containerStatsMessage(
  { runtime }: Services,
  record: ContainerRecord,
): Input<ContainerStats> {
  const attributes = {
    id: record.id,
    metadata: record.metadata,
    labels: record.labels,
    annotations: record.annotations,
  };
  if (record.phase !== 'running') return { attributes };
  const timestamp = runtime.nowNs();
  const disk = diskUsage(path.join(runtime.containerFolder(record.id), 'upper'));
  return {
    attributes,
    ...usageMessages(runtime.parts.readUsage(record.cgroupPath), timestamp),
    writable_layer: {
      timestamp,
      fs_id: { mountpoint: runtime.parts.dataDir },
      used_bytes: { value: disk.bytes },
      inodes_used: { value: disk.inodes },
    },
  };
}

/** The network is not counted yet. */
export function sandboxStatsMessage(
  services: Services,
  record: SandboxRecord,
): Input<PodSandboxStats> {
  const { parts } = services.runtime;
  const timestamp = services.runtime.nowNs();
  const usage = parts.readUsage(cgroupParentOf(record, parts.cgroupRoot));
  const containers = parts.state
    .containersOf(record.id)
    .filter((container) => container.phase === 'running');
  return {
    attributes: {
      id: record.id,
      metadata: record.metadata,
      labels: record.config.labels,
      annotations: record.config.annotations,
    },
    linux: {
      ...usageMessages(usage, timestamp),
      ...(usage === undefined
        ? {}
        : { process: { timestamp, process_count: { value: usage.pids } } }),
      containers: containers.map((container) => containerStatsMessage(services, container)),
    },
  };
}

function usageMessages(
  usage: CgroupStats | undefined,
  timestamp: string,
): { readonly cpu?: Input<CpuUsage>; readonly memory?: Input<MemoryUsage> } {
  if (usage === undefined) return {};
  const { memoryLimitBytes: limit, memoryWorkingSetBytes: workingSet } = usage;
  return {
    cpu: { timestamp, usage_core_nano_seconds: { value: usage.cpuUsageNs } },
    memory: {
      timestamp,
      working_set_bytes: { value: workingSet },
      usage_bytes: { value: usage.memoryUsageBytes },
      rss_bytes: { value: usage.memoryRssBytes },
      page_faults: { value: usage.pageFaults },
      major_page_faults: { value: usage.majorPageFaults },
      ...(limit === undefined
        ? {}
        : { available_bytes: { value: Math.max(0, limit - workingSet) } }),
    },
  };
}
