/**
 * Fragmentation gradient descent: the node, and the GPU in it, on which the pod makes the least more of
 * the free GPUs useless to the pods that usually come. Which those are is the parameter `typicalPods`;
 * an experiment fills it in from its workload.
 *
 * Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
 * Gradient Descent", USENIX ATC 2023, section 4.
 */

import type { NodeInfo, PodInfo, Policy } from 'skiff/policy';
import {
  type FreeGpus,
  type GpuRequest,
  gpuModelOf,
  gpuRequestOf,
  newFragmentation,
  newGpuShare,
  parseTypicalPods,
  tightestGpus,
  WHOLE_GPU,
} from 'skiff/policy/gpu';

export const policy: Policy<{ typicalPods: string }> = {
  name: 'fgd',
  description: 'fragmentation gradient descent',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  parameters: { typicalPods: '' },
  plugins: ({ parameters }) => {
    const fragmentation = newFragmentation(parseTypicalPods(parameters.typicalPods));
    /** F of the node as it is; the array is another one as soon as its pods change. */
    const known = new WeakMap<FreeGpus, number>();

    /** The best score, and the device that gives it; what wants no part of one gets the tightest. */
    const best = (
      free: FreeGpus,
      request: GpuRequest,
      pod: PodInfo,
      node: NodeInfo,
    ): { readonly score: number; readonly device: number } => {
      const model = gpuModelOf(node);
      const milliCpu = node.allocatable.milliCpu - node.requested.milliCpu;
      const before = known.get(free) ?? fragmentation({ milliCpu, free, model });
      known.set(free, before);
      const scoreWith = (devices: readonly number[]): number => {
        const left = [...free];
        for (const device of devices) left[device] = (left[device] ?? 0) - request.milli;
        const room = { milliCpu: milliCpu - pod.requests.milliCpu, free: left, model };
        return Math.trunc(100 * sigmoid((before - fragmentation(room)) / WHOLE_GPU));
      };
      if (request.count !== 1 || request.milli === WHOLE_GPU) {
        return { score: scoreWith(tightestGpus(free, request)), device: -1 };
      }
      let [score, device] = [-1, -1];
      for (const [index, left] of free.entries()) {
        // Devices with the same free part are as good as each other.
        if (left < request.milli || free.indexOf(left) < index) continue;
        const here = scoreWith([index]);
        if (here > score) [score, device] = [here, index];
      }
      return { score: Math.max(score, 0), device };
    };

    const share = newGpuShare({
      choose: (free, request, pod, node) => best(free, request, pod, node).device,
    });
    return [
      share.plugin,
      {
        name: 'Fgd',
        nodeLocal: true,
        score: (_state, pod, node) => {
          const request = gpuRequestOf(pod) ?? { count: 0, milli: 0 };
          return best(share.freeOf(node), request, pod, node).score;
        },
      },
    ];
  },
};

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
