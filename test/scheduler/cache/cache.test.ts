import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

const asking = (nodeName?: string) =>
  newPod('p', {
    containers: [newContainer({ cpu: '1' })],
    ...(nodeName === undefined ? {} : { nodeName }),
  });

const used = (cache: SchedulerCache, node: string) =>
  cache.snapshot().byName.get(node)?.requested.milliCpu;

describe('SchedulerCache', () => {
  it('counts an assumed pod at once, once, and lets it go when forgotten', () => {
    const cache = new SchedulerCache();
    cache.setNode(newNode('n1'));
    const pod = asking();
    cache.assumePod(newPodInfo(pod), 'n1');
    assert.equal(used(cache, 'n1'), 1000);
    cache.setPod({ ...pod, spec: { ...pod.spec, nodeName: 'n1' } });
    assert.equal(used(cache, 'n1'), 1000);
    assert.equal(cache.isAssumed(pod.metadata.uid), false);
    cache.forgetPod(pod.metadata.uid);
    assert.equal(used(cache, 'n1'), 1000, 'What the API confirmed is not forgotten');
    cache.removePod(pod.metadata.uid);
    assert.equal(used(cache, 'n1'), 0);
    const other = asking();
    cache.assumePod(newPodInfo(other), 'n1');
    cache.forgetPod(other.metadata.uid);
    assert.equal(used(cache, 'n1'), 0);
  });

  it('keeps pods of a node that is not known yet, or known again', () => {
    const cache = new SchedulerCache();
    const pod = asking('n1');
    cache.setPod(pod);
    assert.equal(cache.snapshot().nodes.length, 0);
    cache.setNode(newNode('n1'));
    assert.equal(used(cache, 'n1'), 1000);
    cache.removeNode('n1');
    assert.equal(cache.snapshot().nodes.length, 0);
    cache.setNode(newNode('n1'));
    assert.equal(used(cache, 'n1'), 1000);
    cache.removePod(pod.metadata.uid);
    assert.equal(used(cache, 'n1'), 0);
  });

  it('gives snapshots that never change, and the same one when nothing did', () => {
    const cache = new SchedulerCache();
    cache.setNode(newNode('n1'));
    const before = cache.snapshot();
    assert.equal(cache.snapshot(), before);
    cache.setPod(asking('n1'));
    assert.equal(before.byName.get('n1')?.requested.milliCpu, 0);
    assert.equal(used(cache, 'n1'), 1000);
  });

  it('orders nodes round robin over the zones', () => {
    const cache = new SchedulerCache();
    const zoned = (name: string, zone: string) =>
      newNode(name, {}, { labels: { 'topology.kubernetes.io/zone': zone } });
    for (const node of [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b'), zoned('a3', 'a')]) {
      cache.setNode(node);
    }
    const names = () => cache.snapshot().nodes.map(({ name }) => name);
    assert.deepEqual(names(), ['a1', 'b1', 'a2', 'a3']);
    cache.setNode(zoned('a1', 'b'));
    assert.deepEqual(names(), ['a2', 'b1', 'a3', 'a1'], 'It moved to the end of its new zone');
  });
});
