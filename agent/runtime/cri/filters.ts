/** The filters of the List RPCs: all given conditions hold. Pure. */

import type {
  ContainerFilter,
  ContainerState,
  PodSandboxFilter,
  PodSandboxState,
  StringMap,
} from '../../../proto/cri/types.ts';
import { type ContainerRecord, containerState } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';

export function matchesSandbox(record: SandboxRecord, filter: PodSandboxFilter | null): boolean {
  if (record.phase === 'creating') return false;
  if (filter === null) return true;
  const state: PodSandboxState = record.phase === 'ready' ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY';
  return (
    hasPrefix(record.id, filter.id) &&
    (filter.state === null || filter.state.state === state) &&
    matchesLabels(record.config.labels, filter.label_selector)
  );
}

export function matchesContainer(record: ContainerRecord, filter: ContainerFilter | null): boolean {
  if (record.phase === 'creating') return false;
  if (filter === null) return true;
  const state: ContainerState = containerState(record.phase);
  return (
    hasPrefix(record.id, filter.id) &&
    hasPrefix(record.sandboxId, filter.pod_sandbox_id) &&
    (filter.state === null || filter.state.state === state) &&
    matchesLabels(record.labels, filter.label_selector)
  );
}

/** Equality on each label of the selector. */
export function matchesLabels(labels: StringMap, selector: StringMap): boolean {
  return Object.entries(selector).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}

/** An empty prefix is no condition. Clients may give truncated ids. */
export function hasPrefix(id: string, prefix: string): boolean {
  return id.startsWith(prefix);
}
