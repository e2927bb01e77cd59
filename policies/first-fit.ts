/** The first node, in the order of names, that fits: fills one node after the other. */

import type { Policy } from 'skiff/policy';

export const policy: Policy = {
  name: 'first-fit',
  description: 'the first node by name that fits',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  tieBreak: 'name',
  plugins: () => [{ name: 'Same', nodeLocal: true, score: () => 0 }],
};
