/** Cell compaction: the fewest nodes, the same order for every policy. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  nodesNeededBy,
  podsUntil,
  withCompaction,
  withNodes,
  withPods,
} from '../../../../lab/simulation/compare/compaction.ts';
import type { Scenario } from '../../../../lab/simulation/engine/scenario.ts';
import { sampleArrivals, sampleExperiment } from '../../../support/sample-experiment.ts';
import { newNode } from '../../../support/scheduling-objects.ts';

/** Eight nodes, of two kinds by turns. */
function scenario(): Scenario {
  const nodeNames = Array.from({ length: 8 }, (_, i) => `node-${i}`);
  const arrivals = sampleArrivals(1);
  const kind = { capacity: [8000, 2000], gpus: 2, gpuModel: 'T4', count: 4 };
  return {
    resources: sampleExperiment().resources,
    nodes: nodeNames.map((name) => newNode(name)),
    templates: [],
    typical: [],
    failures: [
      { node: 2, atMs: 5, repairedMs: 9 },
      { node: 3, atMs: 6, repairedMs: 9 },
    ],
    arrivals: {
      ...arrivals,
      nodeNames,
      nodeKinds: [kind, { ...kind, gpuModel: 'P100' }],
      nodeKind: Uint32Array.from(nodeNames, (_, i) => i % 2),
    },
  };
}

describe('nodesNeededBy', () => {
  it('finds the fewest nodes, by halving', async () => {
    for (let needed = 1; needed <= 8; needed += 1) {
      let runs = 0;
      const found = await nodesNeededBy(scenario(), 1, async ({ nodes }) => {
        runs += 1;
        return Math.max(0, needed - nodes.length);
      });
      assert.equal(found, needed);
      assert.ok(runs <= 4);
    }
    assert.equal(await nodesNeededBy(scenario(), 1, async () => 1), undefined);
  });

  it('takes nodes away in the same order for every policy, in another for every trial', async () => {
    const orderOf = async (trial: number): Promise<readonly string[]> => {
      const seen: string[] = [];
      await nodesNeededBy(scenario(), trial, async ({ arrivals }) => {
        seen.push(arrivals.nodeNames.join());
        return 0;
      });
      return seen;
    };
    assert.deepEqual(await orderOf(1), await orderOf(1));
    assert.notDeepEqual(await orderOf(1), await orderOf(2));
  });
});

describe('withNodes', () => {
  it('keeps names, kinds, counts and failures in step', () => {
    const { arrivals, nodes, failures } = withNodes(scenario(), [3, 0, 5]);
    assert.deepEqual(arrivals.nodeNames, ['node-0', 'node-3', 'node-5']);
    assert.deepEqual(
      nodes.map(({ metadata }) => metadata.name),
      arrivals.nodeNames,
    );
    assert.deepEqual([...arrivals.nodeKind], [0, 1, 1]);
    assert.deepEqual(
      arrivals.nodeKinds.map(({ count }) => count),
      [1, 2],
    );
    assert.deepEqual(failures, [{ node: 1, atMs: 6, repairedMs: 9 }]);
  });
});

describe('podsUntil', () => {
  it('counts the pods until they ask for so much, or all', () => {
    // Sixteen GPUs, 0.6 a pod: 1.6 of them are asked for by the third.
    assert.equal(podsUntil(scenario(), 1, 10), 3);
    assert.equal(podsUntil(scenario(), 1, 100), 8);
  });
});

describe('withCompaction', () => {
  it('is one more metric, of the first seeds', async () => {
    const { runs, metrics } = await withCompaction(sampleExperiment(), async (policy) =>
      policy === 'tight' ? 4 : undefined,
    );
    assert.equal(metrics.at(-1)?.name, 'nodesNeeded');
    assert.deepEqual(
      runs.map((run) => run.metrics.nodesNeeded),
      [null, null, 4, 4, null, null],
    );
  });
});

describe('withPods', () => {
  it('keeps the first pods, column by column', () => {
    const { arrivals } = withPods(scenario(), 3);
    assert.deepEqual(arrivals.podNames, ['pod-0', 'pod-1', 'pod-2']);
    const lengths = [arrivals.podClass, arrivals.arrivalMs, arrivals.durationMs, arrivals.gang];
    assert.deepEqual(
      lengths.map(({ length }) => length),
      [3, 3, 3, 3],
    );
  });
});
