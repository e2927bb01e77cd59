import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  isScalingEvent,
  planScaling,
} from '../../../controllers/deployment/proportional-scaling.ts';
import { replicasOf } from '../../../controllers/deployment/replica-sets.ts';
import {
  currentSetReplicas,
  planRollingUpdate,
  type Resize,
} from '../../../controllers/deployment/rolling-update.ts';
import { rolloutLimits } from '../../../controllers/deployment/rollout-limits.ts';
import type { ReplicaSet } from '../../../proto/api/gen/apps-v1.ts';
import { newDeployment, newReplicaSet } from '../../support/workload-objects.ts';

function rolling(replicas: number, maxSurge: number | string, maxUnavailable: number | string) {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } as const;
  return newDeployment({ replicas, strategy });
}

const sizes = (resizes: readonly Resize[]) =>
  resizes.map(({ set, replicas }) => [set.metadata.name, replicas]);

describe('rolloutLimits', () => {
  const cases: [number, number | string, number | string, [number, number]][] = [
    [10, '25%', '25%', [3, 2]],
    [4, '25%', '25%', [1, 1]],
    [1, '25%', '25%', [1, 0]],
    [10, 2, 20, [2, 10]],
    [3, 0, '10%', [0, 1]],
    [0, '25%', '25%', [0, 0]],
  ];
  for (const [replicas, surge, unavailable, expected] of cases) {
    it(`${replicas} replicas, ${surge} and ${unavailable}`, () => {
      const limits = rolloutLimits(rolling(replicas, surge, unavailable));
      assert.deepEqual([limits.surge, limits.unavailable], expected);
    });
  }
});

describe('planRollingUpdate', () => {
  it('grows the new one first, as far as the surge allows', () => {
    const current = newReplicaSet('new', { replicas: 0 });
    const old = [newReplicaSet('old', { replicas: 10 })];
    assert.deepEqual(sizes(planRollingUpdate(rolling(10, 3, 2), current, old)), [['new', 3]]);
    assert.equal(currentSetReplicas(rolling(10, 3, 2), 0, old), 3);
  });

  it('takes unhealthy old pods first, then healthy ones as far as it may', () => {
    const current = newReplicaSet('new', { replicas: 3, available: 3 });
    const sick = newReplicaSet('sick', { replicas: 4, available: 1 });
    const well = newReplicaSet('well', {
      replicas: 6,
      creationTimestamp: '2025-01-01T00:00:00Z',
    });
    // 13 pods, 8 must be available, 10 are: 3 sick ones and then 2 of the oldest go.
    assert.deepEqual(sizes(planRollingUpdate(rolling(10, 3, 2), current, [sick, well])), [
      ['sick', 1],
      ['well', 4],
    ]);
  });

  it('waits for new pods that are not available yet', () => {
    const current = newReplicaSet('new', { replicas: 3, available: 0 });
    const old = [newReplicaSet('old', { replicas: 8 })];
    assert.deepEqual(planRollingUpdate(rolling(10, 1, 2), current, old), []);
  });

  it('never breaks its limits, and comes to an end', () => {
    const step = fc.record({ which: fc.nat(2), ready: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(4),
        fc.nat(4),
        fc.array(step, { maxLength: 40 }),
        (replicas, maxSurge, maxUnavailable, steps) => {
          const deployment = rolling(replicas, maxSurge, maxUnavailable);
          const { surge, unavailable } = rolloutLimits(deployment);
          let sets: ReplicaSet[] = [
            newReplicaSet('new', { replicas: 0 }),
            newReplicaSet('old-1', { replicas: replicas - 1 }),
            newReplicaSet('old-2', { replicas: 1, creationTimestamp: '2025-01-01T00:00:00Z' }),
          ];
          const setAvailable = (index: number, available: number): void => {
            sets = sets.map((set, at) =>
              at === index
                ? { ...set, status: { ...set.status, availableReplicas: available } }
                : set,
            );
          };
          const advance = (): number => {
            const [current, ...old] = sets;
            assert.ok(current !== undefined);
            const availableBefore = sum(sets, availableOf);
            const plan = planRollingUpdate(deployment, current, old);
            for (const { set, replicas: size } of plan) {
              const index = sets.findIndex(({ metadata }) => metadata.name === set.metadata.name);
              const status = { ...set.status, availableReplicas: Math.min(size, availableOf(set)) };
              sets[index] = { ...set, spec: { ...set.spec, replicas: size }, status };
            }
            assert.ok(sum(sets, replicasOf) <= replicas + surge, 'More than the surge');
            const floor = Math.min(availableBefore, replicas - unavailable);
            assert.ok(sum(sets, availableOf) >= floor, 'Fewer available than there must be');
            return plan.length;
          };
          for (const { which, ready } of steps) {
            const set = sets[which];
            if (set === undefined) continue;
            const change = ready ? 1 : -1;
            const available = Math.max(0, Math.min(replicasOf(set), availableOf(set) + change));
            setAvailable(which, available);
            advance();
          }
          // From here on every pod becomes available: the rollout ends.
          for (let round = 0; round < 100; round += 1) {
            for (const [index, set] of sets.entries()) setAvailable(index, replicasOf(set));
            if (advance() === 0) break;
          }
          assert.deepEqual(sets.map(replicasOf), [replicas, 0, 0]);
        },
      ),
    );
  });
});

describe('planScaling', () => {
  const annotated = (desired: number, max: number) => ({
    'deployment.kubernetes.io/desired-replicas': String(desired),
    'deployment.kubernetes.io/max-replicas': String(max),
  });

  it('shares in proportion what is added in the middle of a rollout', () => {
    const current = newReplicaSet('new', {
      replicas: 5,
      available: 2,
      annotations: annotated(10, 13),
    });
    const old = [newReplicaSet('old', { replicas: 8, annotations: annotated(10, 13) })];
    const sets = { current, old };
    assert.ok(isScalingEvent(rolling(20, 3, 2), sets));
    const plan = sizes(planScaling(rolling(20, 3, 2), sets));
    assert.deepEqual(Object.fromEntries(plan), { old: 14, new: 9 });
  });

  it('always ends with the size allowed, and annotations of it', () => {
    const arbitrary = fc.record({
      wanted: fc.integer({ min: 0, max: 30 }),
      surge: fc.integer({ min: 1, max: 5 }),
      parts: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 2, maxLength: 4 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ wanted, surge, parts }) => {
        const most = parts.reduce((total, part) => total + part, 0);
        const before = most - surge;
        fc.pre(before > 0 && wanted !== before);
        const all = parts.map((replicas, index) =>
          newReplicaSet(`s${index}`, {
            replicas,
            available: 0,
            annotations: annotated(before, most),
          }),
        );
        const [current, ...old] = all;
        assert.ok(current !== undefined);
        const deployment = rolling(wanted, surge, 0);
        const plan = planScaling(deployment, { current, old });
        const planned = new Map(plan.map(({ set, replicas }) => [set, replicas]));
        const total = sum(all, (set) => planned.get(set) ?? replicasOf(set));
        assert.equal(total, wanted === 0 ? 0 : wanted + surge);
        for (const set of all) assert.ok(planned.has(set), 'Its annotations stay old');
      }),
    );
  });

  it('scales a single active one straight', () => {
    const current = newReplicaSet('new', { replicas: 3, annotations: annotated(3, 4) });
    assert.deepEqual(sizes(planScaling(rolling(7, 1, 1), { current, old: [] })), [['new', 7]]);
  });
});

function availableOf(set: ReplicaSet): number {
  return set.status.availableReplicas ?? 0;
}

function sum(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0);
}
