/**
 * The node whose free CPU and GPU are the least in line with what the pod asks for: nodes that are large
 * where the pod is large are kept for later.
 *
 * Source: `DotProductScore` of hkust-adsl/kubernetes-scheduler-simulator, with merged dimensions.
 */

import type { Policy } from 'skiff/policy';
import { newGpuShare } from 'skiff/policy/gpu';

export const policy: Policy<{ maxMilliCpu: number; maxGpuMilli: number }> = {
  name: 'gpu-dot-product',
  description: 'the least product of request and free CPU and GPU',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  parameters: { maxMilliCpu: 128_000, maxGpuMilli: 8_000 },
  plugins: ({ parameters: { maxMilliCpu, maxGpuMilli } }) => [
    newGpuShare().plugin,
    {
      name: 'GpuDotProduct',
      nodeLocal: true,
      score: (_state, { requests }, { allocatable, requested }) => {
        const gpu = (of: { readonly scalars: ReadonlyMap<string, number> }): number =>
          of.scalars.get('skiff.dev/gpu-milli') ?? 0;
        const cpuFree = allocatable.milliCpu - requested.milliCpu;
        const gpuFree = gpu(allocatable) - gpu(requested);
        const product =
          (cpuFree * requests.milliCpu) / maxMilliCpu ** 2 +
          (gpuFree * gpu(requests)) / maxGpuMilli ** 2;
        return Math.trunc(100 * (1 - product / 2));
      },
    },
  ],
};
