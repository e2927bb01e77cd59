import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decideGarbage,
  type OwnerState,
} from '../../../controllers/garbage-collector/garbage-decision.ts';
import { OwnershipGraph } from '../../../controllers/garbage-collector/graph.ts';
import type { ObjectMeta } from '../../../proto/api/gen/meta-v1.ts';
import { configmaps } from '../../../proto/api/gen/resources.ts';

function owner(uid: string, blockOwnerDeletion = false) {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, blockOwnerDeletion };
}

describe('decideGarbage', () => {
  const states: Readonly<Record<string, OwnerState>> = { t: 'there', a: 'absent', w: 'waiting' };
  const decide = (owners: string, finalizers: string[] = [], hasDependents = false) => {
    const ownerReferences = [...owners].map((uid) => owner(uid));
    const metadata = { ownerReferences, finalizers };
    const decision = decideGarbage(metadata, ({ uid }) => states[uid] ?? 'there', hasDependents);
    switch (decision.kind) {
      case 'keep':
        return 'keep';
      case 'forget':
        return `only ${decision.owners.map(({ uid }) => uid).join()}`;
      case 'delete':
        return decision.policy;
    }
  };
  const cases: [string, string[], boolean, string][] = [
    ['', [], false, 'keep'],
    ['t', [], false, 'keep'],
    ['tt', [], true, 'keep'],
    ['ta', [], false, 'only t'],
    ['tw', [], true, 'only t'],
    ['a', [], true, 'Background'],
    ['aa', ['foregroundDeletion'], true, 'Foreground'],
    ['a', ['orphan'], true, 'Orphan'],
    ['w', [], true, 'Foreground'],
    ['w', [], false, 'Background'],
    ['aw', [], true, 'Foreground'],
  ];
  for (const [owners, finalizers, hasDependents, expected] of cases) {
    const what = `owners "${owners}", finalizers [${finalizers}], dependents ${hasDependents}`;
    it(`${what}: ${expected}`, () =>
      assert.equal(decide(owners, finalizers, hasDependents), expected));
  }
});

describe('OwnershipGraph', () => {
  function setUp() {
    const queued: string[] = [];
    const graph = new OwnershipGraph((uid) => queued.push(uid));
    const observe = (uid: string, more: Partial<ObjectMeta> = {}): void => {
      const metadata = {
        namespace: 'default',
        name: uid,
        uid,
        resourceVersion: '1',
        creationTimestamp: '',
        ...more,
      };
      graph.observe(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    };
    const take = (): string[] => queued.splice(0).sort();
    return { graph, observe, take };
  }

  it('looks for an owner that was not seen, and at its dependents when it is not there', () => {
    const { graph, observe, take } = setUp();
    observe('child', { ownerReferences: [owner('parent')] });
    assert.deepEqual(take(), ['parent']);
    assert.equal(graph.get('parent')?.isVirtual, true);
    graph.remove('parent');
    assert.deepEqual(take(), ['child']);
  });

  it('needs no look at an owner that is seen later', () => {
    const { graph, observe, take } = setUp();
    observe('child', { ownerReferences: [owner('parent')] });
    take();
    observe('parent');
    assert.equal(graph.get('parent')?.isVirtual, false);
    assert.deepEqual([...(graph.get('parent')?.dependents ?? [])], ['child']);
    assert.deepEqual(take(), []);
  });

  it('holds a foreground deletion until its blocking dependents are gone', () => {
    const { graph, observe, take } = setUp();
    observe('parent');
    observe('blocking', { ownerReferences: [owner('parent', true)] });
    observe('other', { ownerReferences: [owner('parent')] });
    const going = { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] };
    observe('parent', going);
    assert.deepEqual(take(), ['blocking', 'other', 'parent']);
    const blocking = graph.blockingDependents('parent').map(({ identity }) => identity.uid);
    assert.deepEqual(blocking, ['blocking']);
    graph.remove('blocking');
    assert.deepEqual(take(), ['parent']);
    assert.deepEqual(graph.blockingDependents('parent'), []);
  });

  it('knows the dependents of an owner that was missed at first', () => {
    const { graph, observe, take } = setUp();
    observe('child', { ownerReferences: [owner('parent')] });
    graph.remove('parent');
    take();
    observe('parent');
    graph.remove('parent');
    assert.deepEqual(take(), ['child']);
    graph.remove('child');
    observe('parent');
    assert.deepEqual(graph.dependentsOf('parent'), []);
  });

  it('tells of a dependent in another namespace, which has no owner', () => {
    const { observe, take } = setUp();
    observe('parent');
    observe('stranger', { namespace: 'elsewhere', ownerReferences: [owner('parent')] });
    assert.deepEqual(take(), ['stranger']);
  });

  it('tells of an orphaning owner, and forgets owners that are named no more', () => {
    const { graph, observe, take } = setUp();
    observe('parent', { deletionTimestamp: 'now', finalizers: ['orphan'] });
    assert.deepEqual(take(), ['parent']);
    observe('child', { ownerReferences: [owner('ghost')] });
    observe('child');
    assert.equal(graph.get('ghost'), undefined);
  });
});
