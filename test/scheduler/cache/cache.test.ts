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

  it('gives a snapshot that stays as it is until the next one is taken', () => {
    const cache = new SchedulerCache();
    cache.setNode(newNode('n1'));
    const snapshot = cache.snapshot();
    cache.setPod(asking('n1'));
    cache.setNode(newNode('n2'));
    cache.removeNode('n1');
    assert.equal(snapshot.byName.get('n1')?.requested.milliCpu, 0);
    assert.deepEqual(
      snapshot.nodes.map(({ name }) => name),
      ['n1'],
    );
    cache.setNode(newNode('n1'));
    assert.equal(used(cache, 'n1'), 1000);
    assert.equal(snapshot.nodes.length, 2);
  });

  it('changes the versions of what changed, and of nothing else', () => {
    const cache = new SchedulerCache();
    const [n1, n2] = [newNode('n1'), newNode('n2')];
    cache.setNode(n1);
    cache.setNode(n2);
    const versions = () => {
      const { byName, versions, topologyVersion, imagesVersion } = cache.snapshot();
      const of = (name: string) => versions[byName.get(name)?.index ?? -1];
      return { n1: of('n1'), n2: of('n2'), topologyVersion, imagesVersion };
    };
    const start = versions();
    cache.setPod(asking('n1'));
    const withPod = versions();
    assert.notEqual(withPod.n1, start.n1);
    assert.deepEqual({ ...withPod, n1: start.n1 }, start);
    cache.setNode({ ...n2, status: { ...n2.status, phase: 'Running' } });
    const reported = versions();
    assert.notEqual(reported.n2, withPod.n2);
    assert.deepEqual({ ...reported, n2: withPod.n2 }, withPod);
    const labels = { ...n2.metadata.labels, zone: 'a' };
    cache.setNode({ ...n2, metadata: { ...n2.metadata, labels } });
    assert.notEqual(versions().topologyVersion, reported.topologyVersion);
    cache.setNode({ ...n1, status: { ...n1.status, images: [{ names: ['i:1'], sizeBytes: 5 }] } });
    assert.notEqual(versions().imagesVersion, reported.imagesVersion);
    assert.equal(cache.snapshot().nodesWithImage('i:1'), 1);
    cache.removeNode('n1');
    assert.equal(cache.snapshot().nodesWithImage('i:1'), 0);
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
