/**
 * GPUs that are shared, in Kubernetes' own forms. A node with eight GPUs has the extended resource
 * `skiff.dev/gpu-milli: 8000` and, when it matters, the label `skiff.dev/gpu-model: V100`. A pod asks
 * for up to 1000 of it for a part of one GPU, or for 2000, 3000, … for that many whole ones; models that
 * will do are a node affinity on the label. NodeResourcesFit sees the sum, GpuShare the devices.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';

export const GPU_RESOURCE = 'skiff.dev/gpu-milli';
export const GPU_MODEL_LABEL = 'skiff.dev/gpu-model';
/** One whole device. */
export const WHOLE_GPU = 1000;

export interface GpuRequest {
  /** How many devices; 0: none. */
  readonly count: number;
  /** Of each of them, in thousandths; whole ones when there are several. */
  readonly milli: number;
}

export const NO_GPUS: GpuRequest = { count: 0, milli: 0 };

/** Undefined when the amount is more than one device and not whole ones: no node can give that. */
export function gpuRequestOf({ requests }: Pick<PodInfo, 'requests'>): GpuRequest | undefined {
  return gpuRequestOfAmount(requests.scalars.get(GPU_RESOURCE) ?? 0);
}

export function gpuRequestOfAmount(amount: number): GpuRequest | undefined {
  if (amount <= 0) return NO_GPUS;
  if (amount <= WHOLE_GPU) return { count: 1, milli: amount };
  if (amount % WHOLE_GPU !== 0) return undefined;
  return { count: amount / WHOLE_GPU, milli: WHOLE_GPU };
}

/** How many devices the node has. */
export function gpuCountOf({ allocatable }: Pick<NodeInfo, 'allocatable'>): number {
  return Math.floor((allocatable.scalars.get(GPU_RESOURCE) ?? 0) / WHOLE_GPU);
}

/** Empty when the node doesn't say. */
export function gpuModelOf({ node }: Pick<NodeInfo, 'node'>): string {
  return node.metadata.labels?.[GPU_MODEL_LABEL] ?? '';
}
