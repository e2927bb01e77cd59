/** What containers use, as messages. */

import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { ContainerStats, PodSandboxStats } from '../../../proto/cri/stats-types.ts';
import type { Input } from '../../../proto/cri/types.ts';
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
  return {
    attributes,
    writable_layer: {
      timestamp,
      fs_id: { mountpoint: runtime.parts.dataDir },
      inodes_used: { value: countEntries(path.join(runtime.containerFolder(record.id), 'upper')) },
    },
  };
}

export function sandboxStatsMessage(
  services: Services,
  record: SandboxRecord,
): Input<PodSandboxStats> {
  const containers = services.runtime.parts.state
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
      containers: containers.map((container) => containerStatsMessage(services, container)),
    },
  };
}

function countEntries(folder: string): number {
  return readdirSync(folder).length;
}
