/** The least number of nodes: by each resource, in clusters of several kinds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodesNeeded } from '../../../../lab/simulation/bounds/nodes-needed.ts';
import type { NodeKind, PodClass } from '../../../../lab/simulation/bounds/placement-bound.ts';

function nodesOf(count: number, cpu: number, gpus = 0): NodeKind {
  return { count, capacity: { cpu }, gpus, labels: {} };
}

function podsOf(count: number, cpu: number, milli = 0): PodClass {
  const gpu = { count: milli > 0 ? 1 : 0, milli };
  return { count, requests: { cpu }, gpu, mayUse: () => true };
}

describe('nodesNeeded', () => {
  it('takes the largest nodes first', () => {
    assert.equal(nodesNeeded([nodesOf(10, 4), nodesOf(2, 16)], [podsOf(40, 1)]), 4);
  });

  it('knows which pods do not share a node', () => {
    assert.equal(nodesNeeded([nodesOf(9, 10)], [podsOf(6, 6)]), 6);
  });

  it('counts the GPUs too', () => {
    assert.equal(nodesNeeded([nodesOf(9, 100, 2)], [podsOf(5, 1, 1000)]), 3);
  });

  it('is undefined when the cluster is too small, or every node', () => {
    assert.equal(nodesNeeded([nodesOf(2, 4)], [podsOf(9, 1)]), undefined);
    assert.equal(nodesNeeded([nodesOf(9, 4)], [podsOf(1, 5)]), undefined);
    assert.equal(nodesNeeded([nodesOf(1, 4)], []), 0);
  });
});
