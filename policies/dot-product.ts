/**
 * The node whose free resources point the same way as what the pod asks for: the dot product of the
 * two, each as a share of the largest node. Pods that need memory go where memory is left.
 *
 * Source: Grandl et al., "Multi-resource packing for cluster schedulers" (Tetris), SIGCOMM 2014, 3.2.
 */

import { type NodeInfo, normalizeByMax, type Policy, type StateKey } from 'skiff/policy';

interface Largest {
  readonly milliCpu: number;
  readonly memory: number;
}
const LARGEST: StateKey<Largest> = { name: 'DotProduct' };
/** Scores are whole numbers: the product keeps this many parts. */
const PARTS = 1_000_000;

export const policy: Policy = {
  name: 'dot-product',
  description: 'free resources that match the request (Tetris)',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  tieBreak: 'name',
  plugins: () => [
    {
      name: 'DotProduct',
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
        const cpu =
          (requests.milliCpu * (allocatable.milliCpu - requested.milliCpu)) / milliCpu ** 2;
        const ram = (requests.memory * (allocatable.memory - requested.memory)) / memory ** 2;
        return Math.round(PARTS * (cpu + ram));
      },
      normalizeScore: (_state, _pod, scores) => normalizeByMax(scores, false),
    },
  ],
};
