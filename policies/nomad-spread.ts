/**
 * Nomad's spreading: (10^f + 10^g) − 2, where f and g are the shares of CPU and memory that stay free
 * with the pod on the node; clamped to 0 to 18, the empty node being 18.
 *
 * Source: hashicorp/nomad nomad/structs/funcs.go ScoreFitSpread.
 */

import type { Policy } from 'skiff/policy';
import { emptiness, scaled } from './nomad-bin-pack.ts';

export const policy: Policy = {
  name: 'nomad-spread',
  description: "the emptiest node by Nomad's formula",
  extends: 'filters',
  percentageOfNodesToScore: 100,
  plugins: () => [
    {
      name: 'NomadSpread',
      nodeLocal: true,
      score: (_state, pod, node) => scaled(emptiness(pod, node) - 2),
    },
  ],
};
