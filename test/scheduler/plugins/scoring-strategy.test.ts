/** The numbers of upstream's own tests of the scoring strategies. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addPodToNode, newNodeInfo } from '../../../scheduler/cache/node-info.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { ScoringStrategy } from '../../../scheduler/config/plugin-args.ts';
import { newResourceScore } from '../../../scheduler/plugins/scoring-strategy.ts';
import { newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

type Amounts = Readonly<Record<string, string>>;

const cpuAndMemory = (memoryWeight = 1) => [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: memoryWeight },
];
const shape = (...points: (readonly [number, number])[]) =>
  points.map(([utilization, score]) => ({ utilization, score }));
const most = (memoryWeight = 1): ScoringStrategy => ({
  type: 'MostAllocated',
  resources: cpuAndMemory(memoryWeight),
});
const ratio: ScoringStrategy = {
  type: 'RequestedToCapacityRatio',
  resources: cpuAndMemory(),
  shape: shape([0, 10], [100, 0]),
};
const packing = (...resources: { name: string; weight: number }[]): ScoringStrategy => ({
  type: 'RequestedToCapacityRatio',
  resources,
  shape: shape([0, 0], [100, 1]),
});
const sized = (cpu: string, memory: string): Amounts => ({ cpu, memory });
const [FOO, BAR] = ['intel.com/foo', 'intel.com/bar'];

interface Vector {
  readonly what: string;
  readonly strategy: ScoringStrategy;
  /** Absent: the pod has no containers, and so no requests by default either. */
  readonly asks?: Amounts;
  readonly nodes: readonly { readonly has: Amounts; readonly holds?: Amounts }[];
  readonly expected: readonly number[];
}

const TWO = [{ has: sized('4000m', '10000') }, { has: sized('6000m', '10000') }];
const vectors: readonly Vector[] = [
  { what: 'most allocated, nothing asked', strategy: most(), nodes: TWO, expected: [0, 0] },
  {
    what: 'most allocated, nodes of different size',
    strategy: most(),
    asks: sized('3000m', '5000'),
    nodes: TWO,
    expected: [62, 50],
  },
  {
    what: 'most allocated, memory counts double',
    strategy: most(2),
    asks: sized('3000m', '5000'),
    nodes: TWO,
    expected: [58, 50],
  },
  { what: 'a falling curve, nothing asked', strategy: ratio, nodes: TWO, expected: [100, 100] },
  {
    what: 'a falling curve, nodes of different size',
    strategy: ratio,
    asks: sized('3000m', '5000'),
    nodes: TWO,
    expected: [38, 50],
  },
  {
    what: 'a falling curve, pods there already',
    strategy: ratio,
    nodes: TWO.map(({ has }) => ({ has, holds: sized('3000m', '5000') })),
    expected: [38, 50],
  },
  {
    what: 'packing one extended resource',
    strategy: packing({ name: FOO, weight: 1 }),
    asks: { [FOO]: '2' },
    nodes: [{ has: { [FOO]: '8' } }, { has: { [FOO]: '4' } }],
    expected: [2, 5],
  },
  {
    what: 'packing one extended resource, some of it taken',
    strategy: packing({ name: FOO, weight: 1 }),
    asks: { [FOO]: '2' },
    nodes: [{ has: { [FOO]: '8' } }, { has: { [FOO]: '4' }, holds: { [FOO]: '2' } }],
    expected: [2, 10],
  },
  {
    what: 'packing two extended resources of different weight',
    strategy: packing({ name: FOO, weight: 3 }, { name: BAR, weight: 5 }),
    asks: { [FOO]: '2', [BAR]: '2' },
    nodes: [{ has: { [FOO]: '8', [BAR]: '4' } }, { has: { [FOO]: '4', [BAR]: '8' } }],
    expected: [4, 3],
  },
  {
    what: 'an extended resource that the pod does not ask for',
    strategy: packing({ name: FOO, weight: 1 }),
    asks: { cpu: '1' },
    nodes: [{ has: { [FOO]: '8' }, holds: { [FOO]: '4' } }],
    expected: [0],
  },
];

describe('scoring strategies', () => {
  for (const { what, strategy, asks, nodes, expected } of vectors) {
    it(what, () => {
      const podWith = (amounts: Amounts | undefined) =>
        newPodInfo(
          newPod('p', { containers: amounts === undefined ? [] : [newContainer(amounts)] }),
        );
      const score = newResourceScore(strategy);
      const scores = nodes.map(({ has, holds }) => {
        const empty = newNodeInfo(newNode('n', has));
        return score(
          podWith(asks),
          holds === undefined ? empty : addPodToNode(empty, podWith(holds)),
        );
      });
      assert.deepEqual(scores, expected);
    });
  }
});
