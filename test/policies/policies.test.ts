/** The example policies, each on a cluster small enough to compute by hand. */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { policy as bestFit } from '../../policies/best-fit.ts';
import { policy as dotProduct } from '../../policies/dot-product.ts';
import { policy as firstFit } from '../../policies/first-fit.ts';
import { policy as mostAllocated } from '../../policies/most-allocated.ts';
import { policy as nomadBinPack } from '../../policies/nomad-bin-pack.ts';
import { policy as nomadSpread } from '../../policies/nomad-spread.ts';
import { policy as twoChoices } from '../../policies/power-of-two-choices.ts';
import { policy as random } from '../../policies/random.ts';
import { loadPolicy } from '../../scheduler/policy/load-policy.ts';
import type { Policy } from '../../scheduler/policy/policy.ts';
import { PolicyTrial, type TrialPod } from '../../scheduler/policy/testing.ts';

const FOUR = ['a', 'b', 'c', 'd'].map((name) => ({ name }));

function nodesOf(policy: Policy, pods: readonly TrialPod[], seed = 1, nodes = FOUR): unknown[] {
  const trial = new PolicyTrial(policy, { nodes, seed });
  return pods.map((pod) => trial.schedule(pod));
}

function repeat(pod: TrialPod, count: number): TrialPod[] {
  return Array.from({ length: count }, () => pod);
}

describe('the example policies', () => {
  for (const file of globSync('policies/*.ts')) {
    it(`${file} loads, and is called as its file`, async () => {
      const { name } = await loadPolicy(file);
      assert.equal(`policies/${name}.ts`, file);
    });
  }

  it('random: every node has its turn, and a seed has its order', () => {
    const pods = repeat({ cpu: '10m' }, 200);
    const placed = nodesOf(random, pods);
    for (const { name } of FOUR) {
      const share = placed.filter((node) => node === name).length;
      assert.ok(share > 25 && share < 80, `${name} got ${share} of 200`);
    }
    assert.deepEqual(nodesOf(random, pods), placed);
    assert.notDeepEqual(nodesOf(random, pods, 2), placed);
  });

  it('first fit: fills one node after the other', () => {
    const placed = nodesOf(firstFit, [...repeat({ cpu: '2' }, 3), { cpu: '3' }, { cpu: '2' }]);
    assert.deepEqual(placed, ['a', 'a', 'b', 'c', 'b']);
  });

  it('best fit: the node on which least is left', () => {
    const trial = new PolicyTrial(bestFit, {
      nodes: [{ name: 'large', cpu: '8', memory: '16Gi' }, { name: 'small' }],
    });
    // Left of 8 cores and 16 Gi: large 7/8 and 14/16, small 3/8 and 6/16.
    const pod = { cpu: '1', memory: '2Gi' };
    assert.deepEqual(trial.totals(pod), { large: 13, small: 63 });
    assert.equal(trial.schedule(pod), 'small');
    assert.equal(trial.schedule({ cpu: '5' }), 'large');
  });

  it('most allocated: the mean of both shares, in percent', () => {
    const trial = new PolicyTrial(mostAllocated, {
      nodes: [{ name: 'a' }, { name: 'b', cpu: '8', memory: '8Gi' }],
    });
    assert.deepEqual(trial.totals({ cpu: '2', memory: '2Gi' }), { a: 37, b: 25 });
  });

  it('dot product: a pod that wants memory goes where memory is free', () => {
    const trial = new PolicyTrial(dotProduct, {
      nodes: [
        { name: 'cpu', cpu: '8', memory: '4Gi' },
        { name: 'memory', cpu: '2', memory: '16Gi' },
      ],
    });
    assert.equal(trial.schedule({ cpu: '100m', memory: '2Gi' }), 'memory');
    assert.equal(trial.schedule({ cpu: '1', memory: '100Mi' }), 'cpu');
    // 1/8·8/8 + 2/16·4/16 against 1/8·2/8 + 2/16·14/16, as shares of the better one.
    assert.deepEqual(
      new PolicyTrial(dotProduct, {
        nodes: [
          { name: 'cpu', cpu: '8', memory: '4Gi' },
          { name: 'memory', cpu: '2', memory: '16Gi' },
        ],
      }).totals({ cpu: '1', memory: '2Gi' }),
      { cpu: 100, memory: 100 },
    );
  });

  it('power of two choices: far more even than chance', () => {
    const pods = repeat({ cpu: '10m', memory: '10Mi' }, 200);
    const nodes = Array.from({ length: 10 }, (_, index) => ({ name: `n${index}` }));
    const fullest = (policy: Policy): number => {
      const placed = nodesOf(policy, pods, 1, nodes);
      return Math.max(...nodes.map(({ name }) => placed.filter((node) => node === name).length));
    };
    assert.ok(
      fullest(twoChoices) <= 23,
      `The fullest node has ${fullest(twoChoices)}, the mean 20`,
    );
    assert.ok(fullest(random) > fullest(twoChoices));
    assert.deepEqual(nodesOf(twoChoices, pods), nodesOf(twoChoices, pods));
  });

  it('Nomad bin-pack and spread: its formula, and its opposite', () => {
    // With the pod: a is half full, 10^0.5·2 = 6.32; b has 3/4 free, 10^0.75·2 = 11.25.
    const nodes = [{ name: 'a', cpu: '2', memory: '4Gi' }, { name: 'b' }];
    const pod = { cpu: '1', memory: '2Gi' };
    const pack = new PolicyTrial(nomadBinPack, { nodes });
    assert.deepEqual(pack.totals(pod), { a: 76, b: 49 });
    const spread = new PolicyTrial(nomadSpread, { nodes });
    assert.deepEqual(spread.totals(pod), { a: 24, b: 51 });
    assert.deepEqual([pack.schedule(pod), pack.schedule(pod)], ['a', 'a']);
    assert.equal(spread.schedule(pod), 'b');
  });
});
