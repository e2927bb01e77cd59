/** What a profile becomes when a policy changes it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { checkPolicy } from '../../../scheduler/policy/check-policy.ts';
import type { Policy, PolicyPlugin } from '../../../scheduler/policy/policy.ts';
import { DEFAULT_PLUGIN_NAMES } from '../../../scheduler/policy/policy.ts';
import { policyProfile } from '../../../scheduler/policy/policy-profile.ts';
import { PolicyTrial } from '../../../scheduler/policy/testing.ts';
import { inertProfile } from '../../support/scheduling-objects.ts';

describe('policyProfile', () => {
  const own: PolicyPlugin = { name: 'Own', score: () => 1, weight: 7 };
  const namesOf = (policy: Partial<Policy>): string[] =>
    policyProfile({ name: 'x', ...policy }, inertProfile(), { seed: 1 }).plugins.map(
      ({ plugin }) => plugin.name,
    );

  it('knows every default plugin by name', () => {
    const known: readonly string[] = DEFAULT_PLUGIN_NAMES;
    for (const { plugin } of inertProfile()) assert.ok(known.includes(plugin.name), plugin.name);
  });

  it('keeps what it extends, without what it disables', () => {
    const all = inertProfile().map(({ plugin }) => plugin.name);
    assert.deepEqual(namesOf({}), all);
    assert.deepEqual(
      namesOf({ disable: ['NodePorts', 'ImageLocality'] }),
      all.filter((name) => name !== 'NodePorts' && name !== 'ImageLocality'),
    );
    assert.deepEqual(namesOf({ extends: 'none', plugins: () => [own] }), [
      'SchedulingGates',
      'PrioritySort',
      'Own',
      'DefaultBinder',
    ]);
    const sorting = { name: 'Lifo', less: () => false };
    assert.ok(!namesOf({ plugins: () => [sorting] }).includes('PrioritySort'));
  });

  it('with "filters" scores with its own plugins only', () => {
    const filters = policyProfile({ name: 'x', extends: 'filters' }, inertProfile(), { seed: 1 });
    assert.ok(!new Framework('x', filters.plugins).hasScores);
    const trial = new PolicyTrial(
      { name: 'x', extends: 'filters', plugins: () => [own] },
      { nodes: [{ name: 'a' }, { name: 'b', cpu: '64' }] },
    );
    assert.deepEqual(trial.totals({ cpu: '1' }), { a: 7, b: 7 });
  });

  it('gives scores of default plugins other weights', () => {
    const policy: Policy = { name: 'x', weights: { ImageLocality: 9 } };
    const { plugins } = policyProfile(policy, inertProfile(), { seed: 1 });
    assert.equal(plugins.find(({ plugin }) => plugin.name === 'ImageLocality')?.weight, 9);
  });

  it('refuses parameters that the policy does not have', () => {
    const policy = checkPolicy({ name: 'x', parameters: { share: 1 } });
    const run = (parameters: Record<string, number | string>): unknown =>
      policyProfile(policy, inertProfile(), { seed: 1, parameters });
    assert.throws(() => run({ shere: 2 }), /no parameter "shere" \(did you mean "share"\?\)/);
    assert.throws(() => run({ share: 'x' }), /parameter "share" must be a number, not "x"/);
    assert.ok(run({ share: 2 }));
  });
});
