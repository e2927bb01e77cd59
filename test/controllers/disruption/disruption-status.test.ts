import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { disruptionStatus } from '../../../controllers/disruption/disruption-status.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { PodDisruptionBudget } from '../../../proto/api/gen/policy-v1.ts';

const nowMs = Date.parse('2026-01-01T00:10:00Z');

function pod(name: string, ready: boolean, metadata: object = {}): Pod {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { metadata: { name, ...metadata }, spec: {}, status: { conditions } } as unknown as Pod;
}

function budget(spec: object, status: object = {}): PodDisruptionBudget {
  return { metadata: { name: 'b', generation: 3 }, spec, status } as unknown as PodDisruptionBudget;
}

const three = [pod('a', true), pod('b', true), pod('c', true)];

/** allowed, healthy, desired, expected */
const cases: readonly (readonly [
  string,
  PodDisruptionBudget,
  readonly Pod[],
  number,
  readonly [number, number, number, number],
])[] = [
  ['a number that must stay', budget({ minAvailable: 2 }), three, 3, [1, 3, 2, 3]],
  ['more than there are', budget({ minAvailable: 5 }), three, 3, [0, 3, 5, 3]],
  ['a percentage, rounded up', budget({ minAvailable: '50%' }), three, 3, [1, 3, 2, 3]],
  ['a number that may be away', budget({ maxUnavailable: 1 }), three, 3, [1, 3, 2, 3]],
  ['of more that there are to be', budget({ maxUnavailable: 1 }), three, 5, [0, 3, 4, 5]],
  ['a percentage away, rounded up', budget({ maxUnavailable: '34%' }), three, 3, [2, 3, 1, 3]],
  ['no pods', budget({ minAvailable: 0 }), [], 0, [0, 0, 0, 0]],
  [
    'pods that are not ready, or go',
    budget({ minAvailable: 1 }),
    [pod('a', false), pod('b', true, { deletionTimestamp: 'x' }), pod('c', true)],
    3,
    [0, 1, 1, 3],
  ],
  [
    'an eviction that was granted',
    budget({ minAvailable: 1 }, { disruptedPods: { a: '2026-01-01T00:09:30Z' } }),
    three,
    3,
    [1, 2, 1, 3],
  ],
  [
    'an eviction that did not happen',
    budget({ minAvailable: 1 }, { disruptedPods: { a: '2026-01-01T00:07:00Z' } }),
    three,
    3,
    [2, 3, 1, 3],
  ],
];

describe('disruptionStatus', () => {
  for (const [name, given, pods, expectedScale, numbers] of cases) {
    it(`counts ${name}`, () => {
      const { status } = disruptionStatus({ budget: given, pods, expectedScale, nowMs });
      const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status;
      assert.deepEqual([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods], numbers);
      assert.equal(status.observedGeneration, 3);
      const [condition] = status.conditions ?? [];
      assert.equal(condition?.status, numbers[0] > 0 ? 'True' : 'False');
    });
  }

  it('keeps granted evictions until they are due, and looks again then', () => {
    const disruptedPods = { a: '2026-01-01T00:09:30Z', gone: '2026-01-01T00:09:30Z' };
    const given = budget({ minAvailable: 1 }, { disruptedPods });
    const { status, againAfterMs } = disruptionStatus({
      budget: given,
      pods: three,
      expectedScale: 3,
      nowMs,
    });
    assert.deepEqual(status.disruptedPods, { a: '2026-01-01T00:09:30Z' });
    assert.equal(againAfterMs, 90_000);
  });

  it('keeps the time of a condition that stays', () => {
    const conditions = [
      { type: 'DisruptionAllowed', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const given = budget({ minAvailable: 1 }, { conditions });
    const { status } = disruptionStatus({ budget: given, pods: three, expectedScale: 3, nowMs });
    assert.equal(status.conditions?.[0]?.lastTransitionTime, '2026-01-01T00:00:00Z');
  });
});
