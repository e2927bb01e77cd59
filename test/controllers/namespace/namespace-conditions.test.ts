import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namespaceConditions } from '../../../controllers/namespace/namespace-conditions.ts';
import {
  garbageReason,
  terminatedSurplus,
} from '../../../controllers/pod-garbage-collector/garbage-pods.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { newPod } from '../../support/scheduling-objects.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('namespaceConditions', () => {
  it('say what is left, and keep their times while it is', () => {
    const leftovers = {
      counts: new Map([
        ['pods', 2],
        ['deployments.apps', 1],
      ]),
      finalizers: new Map([['example.com/hold', 1]]),
      failures: [],
    };
    const conditions = namespaceConditions([], leftovers, NOW);
    const messageOf = (type: string) => conditions.find((each) => each.type === type)?.message;
    assert.equal(
      messageOf('NamespaceContentRemaining'),
      'Some resources are remaining: deployments.apps has 1 resource instances, pods has 2 resource instances',
    );
    assert.equal(
      messageOf('NamespaceFinalizersRemaining'),
      'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    );
    assert.deepEqual(namespaceConditions(conditions, leftovers, NOW + 5_000), conditions);
    const failing = { counts: new Map(), finalizers: new Map(), failures: ['boom'] };
    const failed = namespaceConditions(conditions, failing, NOW + 5_000).find(
      ({ type }) => type === 'NamespaceDeletionContentFailure',
    );
    assert.equal(failed?.status, 'True');
    assert.equal(failed?.lastTransitionTime, '2026-01-01T00:00:05Z');
  });
});

describe('garbageReason', () => {
  const isGone = (name: string): boolean => name === 'gone';

  it('is about pods that nobody else would delete', () => {
    assert.equal(garbageReason(newPod('a'), isGone), undefined);
    assert.equal(garbageReason(newPod('a', { nodeName: 'there' }), isGone), undefined);
    assert.equal(garbageReason(newPod('a', { nodeName: 'gone' }), isGone), 'orphaned');
    const going = newPod('a', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    assert.equal(garbageReason(going, isGone), 'unscheduled terminating');
  });

  it('takes the oldest of too many pods that have ended', () => {
    const ended = (name: string, creationTimestamp: string): Pod => ({
      ...newPod(name, {}, { creationTimestamp }),
      status: { phase: 'Failed' },
    });
    const pods = [
      ended('c', '2026-03'),
      newPod('running'),
      ended('a', '2026-01'),
      ended('b', '2026-02'),
    ];
    const names = (max: number) =>
      terminatedSurplus(pods, max).map(({ metadata }) => metadata.name);
    assert.deepEqual(names(3), []);
    assert.deepEqual(names(1), ['a', 'b']);
  });
});
