/**
 * Any node that fits, and any of its GPUs that fit: the line that a GPU policy must be above.
 *
 * Source: `RandomScore` of hkust-adsl/kubernetes-scheduler-simulator.
 */

import type { Policy, StateKey } from 'skiff/policy';
import { newGpuShare } from 'skiff/policy/gpu';

const CHOSEN: StateKey<string> = { name: 'GpuRandom' };

export const policy: Policy = {
  name: 'gpu-random',
  description: 'any node and GPU that fits, at random',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  plugins: ({ random }) => [
    newGpuShare({
      choose: (free, { milli }) => {
        const fitting = [...free.keys()].filter((device) => (free[device] ?? 0) >= milli);
        return fitting[Math.floor(random() * fitting.length)] ?? 0;
      },
    }).plugin,
    {
      name: 'GpuRandom',
      preScore: (state, _pod, nodes) => {
        state.write(CHOSEN, nodes[Math.floor(random() * nodes.length)]?.name ?? '');
        return undefined;
      },
      score: (state, _pod, { name }) => (state.read(CHOSEN) === name ? 100 : 0),
    },
  ],
};
