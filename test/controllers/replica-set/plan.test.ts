import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { claim } from '../../../controllers/ownership.ts';
import { inDeletionOrder } from '../../../controllers/replica-set/deletion-order.ts';
import {
  planReplicas,
  podFromTemplate,
  slowStartBatches,
} from '../../../controllers/replica-set/plan.ts';
import {
  isSameStatus,
  nextAvailableMs,
  replicaSetStatus,
} from '../../../controllers/replica-set/replica-set-status.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { newPod } from '../../support/scheduling-objects.ts';
import { newReplicaSet, runningPod, START } from '../../support/workload-objects.ts';

const NOW = Date.parse(START) + 3_600_000;
const later = (seconds: number) => new Date(Date.parse(START) + seconds * 1000).toISOString();

function withStatus(pod: Pod, status: Partial<Pod['status']>): Pod {
  return { ...pod, status: { ...pod.status, ...status } };
}

describe('inDeletionOrder', () => {
  const ready = (name: string, more: Parameters<typeof runningPod>[1] = {}) =>
    runningPod(name, { readySince: START, ...more });
  const cost = (value: string) => ({
    metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } },
  });
  const restarted = (name: string, restartCount: number): Pod => {
    const status = { name: 'c', ready: true, restartCount, image: '', imageID: '' };
    return withStatus(ready(name), { containerStatuses: [status] });
  };
  // The first of each pair goes first.
  const cases: [string, Pod, Pod][] = [
    ['without a node', newPod('a'), ready('b')],
    ['pending', withStatus(ready('a'), { phase: 'Pending' }), ready('b')],
    ['not ready', runningPod('a'), ready('b')],
    ['cheaper', ready('a', cost('-5')), ready('b')],
    ['cheaper than dear', ready('a'), ready('b', cost('10'))],
    ['ready for less time', ready('a', { readySince: later(3_500) }), ready('b')],
    ['restarted more often', restarted('a', 3), restarted('b', 1)],
    [
      'younger',
      ready('a', { metadata: { creationTimestamp: later(3_500) } }),
      ready('b', { metadata: { creationTimestamp: START } }),
    ],
  ];
  for (const [what, first, second] of cases) {
    it(`${what} goes first`, () => {
      for (const pods of [
        [first, second],
        [second, first],
      ]) {
        const names = inDeletionOrder(pods, () => 1, NOW).map(({ metadata }) => metadata.name);
        assert.deepEqual(names, ['a', 'b']);
      }
    });
  }

  it('more crowded goes first', () => {
    const pods = [ready('b', { node: 'lonely' }), ready('a', { node: 'full' })];
    const crowding = ({ spec }: Pod): number => (spec.nodeName === 'full' ? 3 : 1);
    const names = inDeletionOrder(pods, crowding, NOW).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['a', 'b']);
  });

  it('ages of the same magnitude are the same: the uid decides', () => {
    const a = ready('a', { readySince: later(0), metadata: { uid: '2' } });
    const b = ready('b', { readySince: later(10), metadata: { uid: '1' } });
    const names = inDeletionOrder([a, b], () => 1, NOW).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['b', 'a']);
  });
});

describe('planReplicas', () => {
  it('makes the number of pods right, never twice what is asked', () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(30), (replicas, count) => {
        const pods = Array.from({ length: count }, (_, index) => runningPod(`p${index}`));
        const set = newReplicaSet('s', { replicas });
        const plan = planReplicas(set, pods, pods, NOW);
        switch (plan.kind) {
          case 'create':
            assert.equal(plan.count, Math.min(500, replicas - count));
            break;
          case 'delete':
            assert.equal(plan.pods.length, count - replicas);
            assert.equal(new Set(plan.pods).size, plan.pods.length);
            break;
          case 'none':
            assert.equal(replicas, count);
        }
      }),
    );
  });

  it('spreads deletions over crowded nodes of the whole Deployment', () => {
    const set = newReplicaSet('s', { replicas: 1 });
    const own = [
      runningPod('a', { node: 'n1', readySince: START }),
      runningPod('b', { node: 'n2', readySince: START }),
    ];
    const others = [runningPod('c', { node: 'n2', readySince: START })];
    const plan = planReplicas(set, own, [...own, ...others], NOW);
    assert.ok(plan.kind === 'delete');
    assert.deepEqual(
      plan.pods.map(({ metadata }) => metadata.name),
      ['b'],
    );
  });
});

describe('slowStartBatches', () => {
  it('doubles, and adds up', () => {
    assert.deepEqual(slowStartBatches(10), [1, 2, 4, 3]);
    assert.deepEqual(slowStartBatches(0), []);
    fc.assert(
      fc.property(fc.nat(1000), (count) => {
        assert.equal(
          slowStartBatches(count).reduce((sum, size) => sum + size, 0),
          count,
        );
      }),
    );
  });
});

describe('podFromTemplate', () => {
  it('is owned, and named after the ReplicaSet', () => {
    const { metadata, spec } = podFromTemplate(newReplicaSet('s', { replicas: 1 }));
    assert.equal(metadata.generateName, 's-');
    assert.deepEqual(metadata.labels, { app: 'web' });
    assert.deepEqual(metadata.ownerReferences, [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 's',
        uid: 'uid-s',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.equal(spec.containers[0]?.image, 'one');
  });
});

describe('claim', () => {
  const set = newReplicaSet('s', { replicas: 1 });
  const owner = (uid: string) => ({
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 's', uid, controller: true },
    ],
  });
  const web = { labels: { app: 'web' } };
  const selector = [{ key: 'app', operator: '=', values: ['web'] }] as const;
  const candidates = [
    newPod('owned', {}, { ...web, ...owner('uid-s') }),
    newPod('relabelled', {}, owner('uid-s')),
    newPod('orphan', {}, web),
    newPod('orphan-going', {}, { ...web, deletionTimestamp: START }),
    newPod('of-another', {}, { ...web, ...owner('other') }),
    newPod('stranger'),
  ];
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

  it('owns, adopts and releases', () => {
    const claims = claim(set, selector, candidates);
    assert.deepEqual(names(claims.owned), ['owned']);
    assert.deepEqual(names(claims.adopt), ['orphan']);
    assert.deepEqual(names(claims.release), ['relabelled']);
  });

  it('neither adopts nor releases for an owner that goes', () => {
    const metadata = { ...set.metadata, deletionTimestamp: START };
    const claims = claim({ ...set, metadata }, selector, candidates);
    assert.deepEqual(names(claims.owned), ['owned']);
    assert.deepEqual([claims.adopt, claims.release], [[], []]);
  });
});

describe('replicaSetStatus', () => {
  const set = newReplicaSet('s', { replicas: 3 });
  const patient = { ...set, spec: { ...set.spec, minReadySeconds: 3_000 } };
  const pods = [
    runningPod('a', { readySince: START, metadata: { labels: { app: 'web' } } }),
    runningPod('b', { readySince: later(1_800) }),
    runningPod('c'),
  ];

  it('counts ready, available and fully labelled pods', () => {
    const status = replicaSetStatus(patient, pods, undefined, NOW);
    assert.deepEqual(status, {
      replicas: 3,
      fullyLabeledReplicas: 1,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 1,
    });
    assert.equal(nextAvailableMs(patient, pods, NOW), 1_200_000);
    assert.equal(nextAvailableMs(set, pods, NOW), undefined);
    assert.ok(isSameStatus(status, replicaSetStatus(patient, pods, undefined, NOW)));
    assert.ok(!isSameStatus(undefined, status));
  });

  it('tells what fails, as long as it does', () => {
    const failure = { reason: 'FailedCreate', message: 'quota' } as const;
    const failing = replicaSetStatus(set, [], failure, NOW);
    assert.equal(failing.conditions?.[0]?.type, 'ReplicaFailure');
    const again = replicaSetStatus({ ...set, status: failing }, [], failure, NOW + 9_000);
    assert.deepEqual(again.conditions, failing.conditions, 'The time of the transition stays');
    const healed = replicaSetStatus({ ...set, status: failing }, [], undefined, NOW);
    assert.equal(healed.conditions, undefined);
  });
});
