import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Expectations } from '../../../controllers/replica-set/expectations.ts';
import { planReplicas } from '../../../controllers/replica-set/plan.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { newReplicaSet, runningPod } from '../../support/workload-objects.ts';

describe('Expectations', () => {
  it('are satisfied when everything was seen', () => {
    const expectations = new Expectations(new FakeClock());
    assert.ok(expectations.isSatisfied('a'));
    expectations.expectCreations('a', 2);
    expectations.expectDeletions('a', ['x']);
    expectations.creationSeen('a');
    expectations.deletionSeen('a', 'x');
    expectations.deletionSeen('a', 'y');
    assert.ok(!expectations.isSatisfied('a'));
    assert.ok(expectations.isSatisfied('b'));
    expectations.creationSeen('a');
    assert.ok(expectations.isSatisfied('a'));
    expectations.creationSeen('a');
    expectations.expectCreations('a', 1);
    assert.ok(!expectations.isSatisfied('a'), 'What was seen too often does not count later');
  });

  it('keep a cache that is behind from causing pods to be made or deleted twice', () => {
    const action = fc.constantFrom('reconcile', 'see', 'lose');
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 6 }),
        fc.array(action, { maxLength: 60 }),
        (replicas, before, actions) => {
          const expectations = new Expectations(new FakeClock());
          const set = newReplicaSet('s', { replicas });
          const world = new Map<string, Pod>();
          const cache = new Map<string, Pod>();
          /** What the watch has yet to tell, in order. */
          const news: (() => void)[] = [];
          let serial = 0;
          const make = (): void => {
            serial += 1;
            const pod = runningPod(`p${serial}`, { metadata: { uid: `p${serial}` } });
            world.set(pod.metadata.uid, pod);
            news.push(() => {
              cache.set(pod.metadata.uid, pod);
              expectations.creationSeen('s');
            });
          };
          const remove = ({ metadata }: Pod): void => {
            world.delete(metadata.uid);
            news.push(() => {
              cache.delete(metadata.uid);
              expectations.deletionSeen('s', metadata.uid);
            });
          };
          const reconcile = (): void => {
            if (!expectations.isSatisfied('s')) return;
            const plan = planReplicas(set, [...cache.values()], [], 0);
            if (plan.kind === 'create') {
              expectations.expectCreations('s', plan.count);
              for (let made = 0; made < plan.count; made += 1) make();
            } else if (plan.kind === 'delete') {
              expectations.expectDeletions(
                's',
                plan.pods.map(({ metadata }) => metadata.uid),
              );
              for (const pod of plan.pods) remove(pod);
            }
          };
          for (let made = 0; made < before; made += 1) make();
          while (news.length > 0) news.shift()?.();
          const most = Math.max(replicas, before);
          for (const each of actions) {
            if (each === 'reconcile') reconcile();
            else if (each === 'see') news.shift()?.();
            else {
              const [victim] = world.values();
              if (victim !== undefined) remove(victim);
            }
            assert.ok(world.size <= most, `There are ${world.size} pods`);
          }
          for (let round = 0; round < 3; round += 1) {
            while (news.length > 0) news.shift()?.();
            reconcile();
          }
          assert.equal(world.size, replicas, 'It comes to the right number in the end');
        },
      ),
    );
  });

  it('are forgotten after five minutes, and with their owner', async () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expectations.expectCreations('a', 1);
    await clock.advance(300_000);
    assert.ok(!expectations.isSatisfied('a'));
    await clock.advance(1);
    assert.ok(expectations.isSatisfied('a'));
    expectations.expectCreations('b', 1);
    expectations.forget('b');
    assert.ok(expectations.isSatisfied('b'));
  });
});
