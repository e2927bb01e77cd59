/** Any node that fits, each with the same chance: the baseline that every other policy has to beat. */

import type { Policy } from 'skiff/policy';

export const policy: Policy = {
  name: 'random',
  description: 'any node that fits, at random',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  tieBreak: 'random',
  plugins: () => [{ name: 'Same', nodeLocal: true, score: () => 0 }],
};
