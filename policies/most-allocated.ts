/**
 * The node that is fullest with the pod on it: kube-scheduler's MostAllocated, 100·used/allocatable,
 * CPU and memory alike, with its defaults for containers that request nothing.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/noderesources/most_allocated.go, v1.36.
 */

import type { Policy } from 'skiff/policy';

export const policy: Policy = {
  name: 'most-allocated',
  description: 'the fullest node, as NodeResourcesFit with MostAllocated',
  extends: 'filters',
  plugins: () => [
    {
      name: 'MostAllocated',
      // The points follow from the pod and the node alone: they are kept until the node changes.
      nodeLocal: true,
      score: (_state, { nonZeroRequests: asked }, { allocatable, nonZeroRequested: used }) => {
        const cpu = share(used.milliCpu + asked.milliCpu, allocatable.milliCpu);
        const memory = share(used.memory + asked.memory, allocatable.memory);
        return Math.trunc((cpu + memory) / 2);
      },
    },
  ],
};

function share(used: number, capacity: number): number {
  return capacity === 0 ? 0 : Math.trunc((Math.min(used, capacity) * 100) / capacity);
}
