/**
 * Two nodes at random, and of them the emptier one: almost as even as looking at all nodes, at the cost
 * of looking at two.
 *
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing", 2001.
 */

import type { NodeInfo, Policy, StateKey } from 'skiff/policy';

const CHOSEN: StateKey<NodeInfo> = { name: 'TwoChoices' };

export const policy: Policy = {
  name: 'power-of-two-choices',
  description: 'the emptier of two random nodes',
  extends: 'filters',
  percentageOfNodesToScore: 100,
  tieBreak: 'first',
  plugins: ({ random }) => [
    {
      name: 'TwoChoices',
      preScore: (state, _pod, nodes) => {
        const first = Math.floor(random() * nodes.length);
        // Of the others: every pair has the same chance.
        const step = 1 + Math.floor(random() * (nodes.length - 1));
        const [a, b] = [nodes[first], nodes[(first + step) % nodes.length]];
        const chosen = a !== undefined && b !== undefined && load(b) < load(a) ? b : a;
        if (chosen !== undefined) state.write(CHOSEN, chosen);
        return undefined;
      },
      score: (state, _pod, node) => (state.read(CHOSEN)?.name === node.name ? 100 : 0),
    },
  ],
};

/** The share of the resource of which most is taken. */
function load({ allocatable, nonZeroRequested: used }: NodeInfo): number {
  return Math.max(used.milliCpu / allocatable.milliCpu, used.memory / allocatable.memory);
}
