/**
 * The node on which the pod leaves the least room, in CPU and memory alike. Room is measured against
 * the largest of the feasible nodes, so that nodes of several sizes compare.
 */

import type { NodeInfo, Policy, StateKey } from 'skiff/policy';

interface Largest {
  readonly milliCpu: number;
  readonly memory: number;
}
const LARGEST: StateKey<Largest> = { name: 'BestFit' };

export const policy: Policy = {
  name: 'best-fit',
  description: 'the node with the least room left',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  tieBreak: 'name',
  plugins: () => [
    {
      name: 'BestFit',
      preScore: (state, _pod, nodes) => {
        const largest = (of: (node: NodeInfo) => number): number => Math.max(1, ...nodes.map(of));
        state.write(LARGEST, {
          milliCpu: largest(({ allocatable }) => allocatable.milliCpu),
          memory: largest(({ allocatable }) => allocatable.memory),
        });
        return undefined;
      },
      score: (state, { requests }, { allocatable, requested }) => {
        const { milliCpu = 1, memory = 1 } = state.read(LARGEST) ?? {};
        const cpuLeft = (allocatable.milliCpu - requested.milliCpu - requests.milliCpu) / milliCpu;
        const memoryLeft = (allocatable.memory - requested.memory - requests.memory) / memory;
        return Math.round(100 * (1 - (cpuLeft + memoryLeft) / 2));
      },
    },
  ],
};
