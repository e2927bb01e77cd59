/** Jain's index and dominant resource fairness. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  dominantShare,
  fairShares,
  jainIndex,
  type Tenant,
} from '../../../../lab/simulation/statistics/fairness.ts';

describe('jainIndex', () => {
  it('is 1 for equals and 1/n for one that has all', () => {
    assert.equal(jainIndex([3, 3, 3]), 1);
    assert.equal(jainIndex([5, 0, 0, 0]), 0.25);
    assert.equal(jainIndex([]), 1);
    assert.equal(jainIndex([0, 0]), 1);
  });

  it('does not depend on the unit', () => {
    const shares = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 });
    fc.assert(
      fc.property(shares, fc.integer({ min: 2, max: 50 }), (values, factor) => {
        const index = jainIndex(values);
        assert.ok(index <= 1 + 1e-12 && index >= 1 / values.length - 1e-12);
        const scaled = jainIndex(values.map((value) => value * factor));
        assert.ok(Math.abs(scaled - index) < 1e-9);
      }),
    );
  });
});

describe('fairShares', () => {
  const capacity = { cpu: 9, memory: 18 };

  it('gives the example of Ghodsi et al., figure 3', () => {
    const shares = fairShares(
      [
        { name: 'A', taskRequest: { cpu: 1, memory: 4 } },
        { name: 'B', taskRequest: { cpu: 3, memory: 1 } },
      ],
      capacity,
    );
    assert.deepEqual(
      shares.map(({ tasks }) => Math.round(tasks * 1e9) / 1e9),
      [3, 2],
    );
    for (const { dominantShare: share } of shares) assert.ok(Math.abs(share - 2 / 3) < 1e-12);
  });

  it('gives the rest to the others when one has no more tasks', () => {
    const shares = fairShares(
      [
        { name: 'A', taskRequest: { cpu: 1 }, tasks: 2 },
        { name: 'B', taskRequest: { cpu: 1 } },
      ],
      capacity,
    );
    assert.deepEqual(
      shares.map(({ tasks }) => Math.round(tasks)),
      [2, 7],
    );
  });

  it('gives nothing to a task that asks for what is not there, and to nobody else less', () => {
    const shares = fairShares(
      [
        { name: 'A', taskRequest: { gpu: 1 } },
        { name: 'B', taskRequest: { cpu: 3 } },
      ],
      capacity,
    );
    assert.deepEqual(
      shares.map(({ tasks }) => tasks),
      [0, 3],
    );
  });

  it('stays within the capacity, and nobody could have more without a poorer one having less', () => {
    const tenant = fc.record({
      cpu: fc.integer({ min: 0, max: 5 }),
      memory: fc.integer({ min: 1, max: 9 }),
      tasks: fc.integer({ min: 1, max: 8 }),
      weight: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(tenant, { minLength: 1, maxLength: 6 }), (rows) => {
        const tenants: Tenant[] = rows.map(({ cpu, memory, ...rest }, index) => ({
          name: String(index),
          taskRequest: { cpu, memory },
          ...rest,
        }));
        const shares = fairShares(tenants, capacity);
        const used = (resource: 'cpu' | 'memory'): number =>
          shares.reduce((sum, { tasks }, i) => sum + tasks * (rows[i]?.[resource] ?? 0), 0);
        for (const resource of ['cpu', 'memory'] as const) {
          assert.ok(used(resource) <= capacity[resource] * (1 + 1e-9));
        }
        const level = (i: number): number =>
          (shares[i]?.dominantShare ?? 0) / (rows[i]?.weight ?? 1);
        for (const [i, row] of rows.entries()) {
          if ((shares[i]?.tasks ?? 0) >= row.tasks * (1 - 1e-9)) continue;
          // It wants more: some resource is full, and nobody who uses that one is above it.
          const isHeldBack = (['cpu', 'memory'] as const).some(
            (resource) =>
              row[resource] > 0 &&
              used(resource) >= capacity[resource] * (1 - 1e-9) &&
              rows.every((other, k) => other[resource] === 0 || level(k) <= level(i) * (1 + 1e-9)),
          );
          assert.ok(isHeldBack);
        }
      }),
    );
  });

  it('takes the largest part of any resource', () => {
    assert.equal(dominantShare({ cpu: 3, memory: 3, gpu: 9 }, capacity), 1 / 3);
  });
});
