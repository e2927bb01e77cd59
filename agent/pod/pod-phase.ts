/**
 * The phase of a pod, from the statuses of its containers.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `getPhase`, v1.36.
 */

import type { ContainerStatus, Pod } from '../../proto/api/gen/core-v1.ts';
import { initContainersOf, isSidecar, restartPolicyOf } from './container-kinds.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PhaseInput {
  readonly pod: Pod;
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
  /** Nothing of the pod will be started again, whatever its restart policy says. */
  readonly ended: boolean;
}

export function podPhase({ pod, initStatuses, statuses, ended }: PhaseInput): PodPhase {
  const init = countInit(pod, initStatuses);
  const policy = restartPolicyOf(pod);
  if (init.failed > 0 && policy === 'Never') return 'Failed';

  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let succeeded = 0;
  for (const { state, lastState } of statuses) {
    if (state?.running !== undefined) {
      running += 1;
    } else if (state?.terminated !== undefined) {
      stopped += 1;
      if (state.terminated.exitCode === 0) succeeded += 1;
    } else if (lastState?.terminated !== undefined) {
      stopped += 1;
    } else {
      waiting += 1;
    }
  }
  if (ended) return stopped > 0 && stopped === succeeded && waiting === 0 ? 'Succeeded' : 'Failed';
  const initialized = running + stopped > 0;
  if ((init.pending > 0 && !initialized) || waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (policy === 'Always') return 'Running';
  if (stopped === succeeded) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

function countInit(
  pod: Pod,
  statuses: readonly ContainerStatus[],
): { readonly pending: number; readonly failed: number } {
  let pending = 0;
  let failed = 0;
  for (const container of initContainersOf(pod)) {
    const status = statuses.find(({ name }) => name === container.name);
    const ended = status?.state?.terminated ?? status?.lastState?.terminated;
    if (isSidecar(container)) {
      if (status?.started !== true) pending += 1;
    } else if (status?.state?.running !== undefined || ended === undefined) {
      pending += 1;
    } else if (ended.exitCode !== 0) {
      failed += 1;
    }
  }
  return { pending, failed };
}
