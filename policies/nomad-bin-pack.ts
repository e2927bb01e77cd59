/**
 * Nomad's bin packing: 20 − (10^f + 10^g), where f and g are the shares of CPU and memory that stay
 * free with the pod on the node; clamped to 0 to 18, the full node being 18.
 *
 * Source: hashicorp/nomad nomad/structs/funcs.go ScoreFitBinPack.
 */

import type { NodeInfo, PodInfo, Policy } from 'skiff/policy';

export const policy: Policy = {
  name: 'nomad-bin-pack',
  description: "the fullest node by Nomad's formula",
  extends: 'filters',
  percentageOfNodesToScore: 100,
  plugins: () => [
    {
      name: 'NomadBinPack',
      nodeLocal: true,
      score: (_state, pod, node) => scaled(20 - emptiness(pod, node)),
    },
  ],
};

/** 2 when the node is full with the pod, 20 when it is empty. */
export function emptiness({ requests }: PodInfo, { allocatable, requested }: NodeInfo): number {
  const free = (used: number, total: number): number => (total === 0 ? 0 : 1 - used / total);
  const cpu = free(requested.milliCpu + requests.milliCpu, allocatable.milliCpu);
  const memory = free(requested.memory + requests.memory, allocatable.memory);
  return 10 ** cpu + 10 ** memory;
}

/** 0 to 18 becomes 0 to 100. */
export function scaled(fitness: number): number {
  return Math.round((Math.min(Math.max(fitness, 0), 18) / 18) * 100);
}
