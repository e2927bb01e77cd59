/** What containers and sandboxes use, as messages. */

import type {
  ContainerStats,
  CpuUsage,
  IoUsage,
  MemoryUsage,
  PodSandboxStats,
  PsiStats,
  SwapUsage,
} from '../../../proto/cri/stats-types.ts';
import type { Input } from '../../../proto/cri/types.ts';
import type { Pressure } from '../cgroup/pressure.ts';
import type { CgroupStats } from '../cgroup/stats.ts';
import { cgroupParentOf } from '../sandbox/sandboxes.ts';
import type { ContainerRecord } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';
import { networkUsage } from './network-usage.ts';
import type { Services } from './rpc.ts';

interface Usage {
  readonly cpu: Input<CpuUsage>;
  readonly memory: Input<MemoryUsage>;
  readonly swap?: Input<SwapUsage>;
  readonly io?: Input<IoUsage>;
}

/** Attributes only for a container that does not run: there is nothing to measure. */
export async function containerStatsMessage(
  services: Services,
  record: ContainerRecord,
): Promise<Input<ContainerStats>> {
  const { runtime } = services;
  const attributes = {
    id: record.id,
    metadata: record.metadata,
    labels: record.labels,
    annotations: record.annotations,
  };
  if (record.phase !== 'running') return { attributes };
  const disk = await runtime.writableLayerUsage(record.id);
  const layer = disk && {
    timestamp: disk.atNs,
    fs_id: { mountpoint: runtime.parts.dataDir },
    used_bytes: { value: disk.bytes },
    inodes_used: { value: disk.inodes },
  };
  return {
    attributes,
    ...usageOf(services, record.cgroupPath)?.messages,
    ...(layer && { writable_layer: layer }),
  };
}

/** `netns`: where its network namespace is pinned; undefined: it has none of its own. */
export async function sandboxStatsMessage(
  services: Services,
  record: SandboxRecord,
  netns: string | undefined,
): Promise<Input<PodSandboxStats>> {
  const { parts } = services.runtime;
  const timestamp = services.runtime.nowNs();
  const usage = usageOf(services, cgroupParentOf(record, parts.cgroupRoot));
  const network = netns === undefined ? undefined : networkUsage(netns, timestamp);
  const containers = parts.state
    .containersOf(record.id)
    .filter((container) => container.phase === 'running');
  const { cpu, memory, io } = usage?.messages ?? {};
  return {
    attributes: {
      id: record.id,
      metadata: record.metadata,
      labels: record.config.labels,
      annotations: record.config.annotations,
    },
    linux: {
      ...(cpu && { cpu }),
      ...(memory && { memory }),
      ...(io && { io }),
      ...(network && { network }),
      ...(usage && { process: { timestamp, process_count: { value: usage.pids } } }),
      containers: await Promise.all(
        containers.map((container) => containerStatsMessage(services, container)),
      ),
    },
  };
}

/** Undefined when there is no such cgroup. */
function usageOf(
  { runtime }: Services,
  cgroup: string,
): { readonly messages: Usage; readonly pids: number } | undefined {
  const usage = runtime.parts.readUsage(cgroup);
  if (usage === undefined) return undefined;
  const nanoCores = runtime.cpuRates.measure(cgroup, usage.cpuUsageNs);
  return { messages: usageMessages(usage, nanoCores, runtime.nowNs()), pids: usage.pids };
}

/** Pure. */
export function usageMessages(
  usage: CgroupStats,
  nanoCores: number | undefined,
  timestamp: string,
): Usage {
  const { memoryLimitBytes: limit, memoryWorkingSetBytes: workingSet, swap, pressure } = usage;
  return {
    cpu: {
      timestamp,
      usage_core_nano_seconds: { value: usage.cpuUsageNs },
      ...(nanoCores !== undefined && { usage_nano_cores: { value: nanoCores } }),
      ...(pressure && { psi: psi(pressure.cpu) }),
    },
    memory: {
      timestamp,
      working_set_bytes: { value: workingSet },
      usage_bytes: { value: usage.memoryUsageBytes },
      rss_bytes: { value: usage.memoryRssBytes },
      page_faults: { value: usage.pageFaults },
      major_page_faults: { value: usage.majorPageFaults },
      ...(limit !== undefined && { available_bytes: { value: Math.max(0, limit - workingSet) } }),
      ...(pressure && { psi: psi(pressure.memory) }),
    },
    ...(swap && {
      swap: {
        timestamp,
        swap_usage_bytes: { value: swap.usageBytes },
        ...(swap.limitBytes !== undefined && {
          swap_available_bytes: { value: Math.max(0, swap.limitBytes - swap.usageBytes) },
        }),
      },
    }),
    ...(pressure && { io: { timestamp, psi: psi(pressure.io) } }),
  };
}

function psi({ some, full }: Pressure): Input<PsiStats> {
  const data = (times: NonNullable<Pressure['some']>) => ({
    Total: times.totalNs,
    Avg10: times.avg10,
    Avg60: times.avg60,
    Avg300: times.avg300,
  });
  return { ...(some && { Some: data(some) }), ...(full && { Full: data(full) }) };
}
