/**
 * Pods that want the same of GPUs (a part of one, one, two, …) together, on the fullest such node.
 *
 * Source: Xiao et al., "Gandiva", OSDI 2018; `GpuClusteringScore` of
 * hkust-adsl/kubernetes-scheduler-simulator.
 */

import type { NodeInfo, PodInfo, Policy } from 'skiff/policy';
import { gpuRequestOf, newGpuShare, WHOLE_GPU } from 'skiff/policy/gpu';

/** The free GPUs of the largest node. */
const LARGEST = 8 * WHOLE_GPU;

export const policy: Policy = {
  name: 'gpu-clustering',
  description: 'pods of the same GPU request together',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  plugins: () => {
    const share = newGpuShare();
    return [
      share.plugin,
      {
        name: 'GpuClustering',
        nodeLocal: true,
        score: (_state, pod, node) => {
          const wanted = kindOf(pod);
          if (wanted === undefined) return 0;
          const idle = share.freeOf(node).reduce((sum, left) => sum + left, 0);
          return rank(wanted, node) + Math.trunc((25 * (LARGEST - idle)) / LARGEST);
        },
      },
    ];
  },
};

/** 75 among its own kind only, 50 among others too, 25 on a node without GPU pods, 0 among others. */
function rank(wanted: string, node: NodeInfo): number {
  const kinds = new Set<string>();
  for (const pod of node.pods.values()) {
    const kind = kindOf(pod);
    if (kind !== undefined) kinds.add(kind);
  }
  if (kinds.has(wanted)) return kinds.size === 1 ? 75 : 50;
  return kinds.size === 0 ? 25 : 0;
}

/** Undefined when it wants no GPU. */
function kindOf(pod: PodInfo): string | undefined {
  const request = gpuRequestOf(pod);
  if (request === undefined || request.count === 0) return undefined;
  return request.milli < WHOLE_GPU ? 'share' : `${request.count} whole`;
}
