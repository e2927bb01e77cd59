/** The policies for shared GPUs, each on nodes small enough to compute by hand. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy as fgd } from '../../policies/fgd.ts';
import { policy as bestFit } from '../../policies/gpu-best-fit.ts';
import { policy as clustering } from '../../policies/gpu-clustering.ts';
import { policy as dotProduct } from '../../policies/gpu-dot-product.ts';
import { policy as packing } from '../../policies/gpu-packing.ts';
import { policy as random } from '../../policies/gpu-random.ts';
import type { Policy, PolicyParameters } from '../../scheduler/policy/policy.ts';
import { PolicyTrial, type TrialPod } from '../../scheduler/policy/testing.ts';

const node = (
  name: string,
  gpus: number,
): { name: string; cpu: string; more: Record<string, string> } => ({
  name,
  cpu: '64',
  more: { 'skiff.dev/gpu-milli': String(gpus * 1000) },
});
const pod = (milli: number): TrialPod => ({
  cpu: '1',
  more: { 'skiff.dev/gpu-milli': String(milli) },
});

/** Where pods of these requests go, in thousandths of a GPU, on two nodes with two GPUs each. */
function placed<P extends PolicyParameters>(
  policy: Policy<P>,
  requests: readonly number[],
  parameters: PolicyParameters = {},
): readonly (string | undefined)[] {
  const options = { nodes: [node('a', 2), node('b', 2)], seed: 1, parameters };
  // A policy's own parameters are a special case of any.
  const trial = new PolicyTrial({ tieBreak: 'name', ...policy } as unknown as Policy, options);
  return requests.map((milli) => {
    return trial.schedule(pod(milli));
  });
}

describe('policies for shared GPUs', () => {
  const all = [random, dotProduct, clustering, packing, bestFit, fgd] as readonly unknown[];
  for (const policy of all as readonly Policy[]) {
    it(`${policy.name}: a part fits into one GPU, not into what is left of two`, () => {
      const filled = placed(policy, [600, 600, 600, 600, 600]);
      assert.equal(filled.filter((where) => where === 'a').length, 2);
      assert.equal(filled.filter((where) => where === 'b').length, 2);
      assert.equal(filled[4], undefined, '4 × 400 are left, and no 600 on one GPU');
      assert.deepEqual(placed(policy, [1500]), [undefined], 'one and a half is no request');
      assert.notEqual(placed(policy, [2000])[0], undefined);
    });
  }

  it('packing: shared GPUs first, then nodes in use, then free ones', () => {
    assert.deepEqual(placed(packing, [500, 500, 1000, 2000]), ['a', 'a', 'a', 'b']);
  });

  it('clustering: parts with parts, whole ones with whole ones', () => {
    assert.deepEqual(placed(clustering, [500, 1000, 500]), ['a', 'b', 'a']);
  });

  it('best fit: where the least is left', () => {
    const trial = new PolicyTrial(bestFit as unknown as Policy, {
      nodes: [node('large', 8), node('small', 2)],
    });
    assert.equal(trial.schedule(pod(1000)), 'small');
  });

  it('dot product: where the least is free of what it wants', () => {
    const trial = new PolicyTrial(dotProduct as unknown as Policy, {
      nodes: [node('large', 8), node('small', 2)],
    });
    // 100·(1 - ½·(64·1/128² + 8·1/8²)), and with 2 in place of 8: whole numbers.
    assert.deepEqual(trial.totals(pod(1000)), { large: 93, small: 98 });
  });

  it('FGD: keeps whole GPUs for those who usually want whole ones', () => {
    const typicalPods = '1000/1/1000//0.5;1000/1/500//0.5';
    // The second half goes beside the first one, though the other nodes have more room.
    assert.deepEqual(placed(fgd, [500, 500, 1000, 500, 500, 1000], { typicalPods }), [
      'a',
      'a',
      'a',
      'b',
      'b',
      'b',
    ]);
  });
});
