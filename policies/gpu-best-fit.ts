/**
 * The node on which the least CPU and GPU is left, as parts of the largest node of the openb cluster.
 *
 * Source: `BestFitScore` of hkust-adsl/kubernetes-scheduler-simulator.
 */

import type { Policy } from 'skiff/policy';
import { newGpuShare } from 'skiff/policy/gpu';

export const policy: Policy<{ maxMilliCpu: number; maxGpuMilli: number }> = {
  name: 'gpu-best-fit',
  description: 'the node with the least CPU and GPU left',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  parameters: { maxMilliCpu: 128_000, maxGpuMilli: 8_000 },
  plugins: ({ parameters: { maxMilliCpu, maxGpuMilli } }) => [
    newGpuShare().plugin,
    {
      name: 'GpuBestFit',
      nodeLocal: true,
      score: (_state, { requests }, { allocatable, requested }) => {
        const gpu = (of: { readonly scalars: ReadonlyMap<string, number> }): number =>
          of.scalars.get('skiff.dev/gpu-milli') ?? 0;
        const cpuLeft = allocatable.milliCpu - requested.milliCpu - requests.milliCpu;
        const gpuLeft = gpu(allocatable) - gpu(requested) - gpu(requests);
        return Math.trunc(100 * (1 - 0.5 * (cpuLeft / maxMilliCpu + gpuLeft / maxGpuMilli)));
      },
      // From the least to the highest score of the nodes: all of 0 to 100.
      normalizeScore: (_state, _pod, scores) => {
        const [low, high] = [Math.min(...scores), Math.max(...scores)];
        for (const [index, score] of scores.entries()) {
          scores[index] = high === low ? 0 : Math.trunc((100 * (score - low)) / (high - low));
        }
      },
    },
  ],
};
