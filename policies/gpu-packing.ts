/**
 * GPUs that are shared already first, then free GPUs of nodes in use, then nodes that are all free.
 *
 * Source: Weng et al., "MLaaS in the wild", NSDI 2022; `GpuPackingScore` of
 * hkust-adsl/kubernetes-scheduler-simulator.
 */

import type { Policy } from 'skiff/policy';
import {
  type FreeGpus,
  gpuRequestOf,
  newGpuShare,
  tightestGpus,
  WHOLE_GPU,
} from 'skiff/policy/gpu';

export const policy: Policy = {
  name: 'gpu-packing',
  description: 'shared GPUs first, then nodes in use, then free nodes',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  plugins: () => {
    const share = newGpuShare();
    return [
      share.plugin,
      {
        name: 'GpuPacking',
        nodeLocal: true,
        score: (_state, pod, node) => {
          const request = gpuRequestOf(pod);
          if (request === undefined || request.count === 0) return 0;
          const free = share.freeOf(node);
          return packingScore(free, tightestGpus(free, request));
        },
      },
    ];
  },
};

function packingScore(free: FreeGpus, chosen: readonly number[]): number {
  const isWhole = (device: number): boolean => free[device] === WHOLE_GPU;
  if (free.every((left) => left === WHOLE_GPU)) return Math.max(33 - free.length, free.length);
  const opened = chosen.filter(isWhole).length;
  if (opened > 0) return Math.max(50 - opened, 33);
  const percentLeft = chosen.reduce(
    (sum, device) => sum + Math.trunc(((free[device] ?? 0) * 100) / WHOLE_GPU),
    0,
  );
  return Math.max(100 - Math.trunc(percentLeft / 10), 50);
}
