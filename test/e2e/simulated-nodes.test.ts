/** Simulated nodes in a lab: pods by the hundred live on them, as real clients and the real scheduler see it. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Lease } from '../../proto/api/gen/coordination-v1.ts';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { DEBIAN_KUBECTL } from '../support/setup.ts';
import { TestLab } from '../support/test-lab.ts';

const NODES = 100;
const PODS = 200;

interface ListOf<T> {
  readonly items: readonly T[];
}

describe('simulated nodes', () => {
  const lab = new TestLab();
  const tolerations = [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }];
  const nodeSelector = { type: 'simulated' };
  const requests = { cpu: '1', memory: '1Gi' };
  const containers = [{ name: 'c', image: 'nobody/pulls-this:1', resources: { requests } }];

  before(() => lab.up('--nodes', '1', '--simulated', String(NODES)));
  after(() => lab.down());

  const podsOf = async (selector: string): Promise<readonly Pod[]> =>
    (await lab.get<ListOf<Pod>>('pods', '-l', selector)).items;
  const apply = async (name: string, object: object): Promise<void> => {
    const file = path.join(lab.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(object));
    await lab.kubectl('apply', '-f', file);
  };

  it('are Ready, each with its lease, in one line of skiff status', async () => {
    const { items } = await lab.get<ListOf<Node>>('nodes', '-l', 'type=simulated');
    assert.equal(items.length, NODES);
    assert.equal(
      items.find(({ metadata }) => metadata.name === 'sim-7')?.status?.allocatable?.cpu,
      '4',
    );
    await eventually('each has a lease', async () => {
      const leases = await lab.get<ListOf<Lease>>('leases', '-n', 'kube-node-lease');
      assert.equal(leases.items.length, NODES + 1);
    });
    const status = await lab.skiff('status', '--name', lab.name);
    assert.match(status, /^node-1 +Ready\nsimulated +100 of 100 Ready\n\n/m);
    assert.match(status, /^simulated-nodes +\d+ +running +0 /m);
  });

  it('run two hundred pods that the scheduler puts there, and none that does not tolerate them', async () => {
    const pod = (tolerated: object): object => ({
      metadata: { labels: { app: 'many' } },
      spec: { containers, ...tolerated },
    });
    await apply('many', {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'many' } },
      spec: {
        replicas: PODS,
        selector: { matchLabels: { app: 'many' } },
        template: pod({ tolerations, nodeSelector }),
      },
    });
    await apply('real', {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'real', labels: { app: 'real' } } },
      spec: { containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '1000'] }] },
    });
    await lab.run(DEBIAN_KUBECTL, ['rollout', 'status', 'deployment/many'], { timeoutMs: 150_000 });
    const all = await podsOf('app=many');
    assert.equal(all.length, PODS);
    const running = all.filter(({ status }) => status.phase === 'Running');
    assert.equal(running.length, PODS);
    assert.equal(new Set(running.map(({ status }) => status.podIP)).size, running.length);
    const counts = Map.groupBy(running, ({ spec }) => spec.nodeName);
    for (const [node, on] of counts) assert.ok(on.length <= 4, `${node} has room for four`);
    await eventually('the other pod runs for real', async () => {
      const [real] = await podsOf('app=real');
      assert.equal(real?.spec.nodeName, 'node-1');
      assert.equal(real?.status.phase, 'Running');
    });
  });

  it('say that there is no agent to ask for logs', async () => {
    const [pod] = await podsOf('app=many');
    const logs = await lab.run(DEBIAN_KUBECTL, ['logs', pod?.metadata.name ?? '']);
    assert.notEqual(logs.code, 0);
    assert.match(logs.stderr, /node "sim-\d+" has no address of its agent/);
  });

  it('let pods go when they are deleted, and stay away when they are deleted themselves', async () => {
    await lab.kubectl('scale', 'deployment/many', '--replicas=20');
    await eventually('twenty are left', async () => {
      assert.equal((await podsOf('app=many')).length, 20);
    });
    await lab.kubectl('delete', 'node', 'sim-1');
    const { items } = await lab.get<ListOf<Node>>('nodes', '-l', 'type=simulated');
    assert.equal(items.length, NODES - 1);
  });

  it('carry out the stages that a pod declares', async () => {
    const annotations = {
      'lab.skiff.dev/start-after': '0s',
      'lab.skiff.dev/duration': '1s',
      'lab.skiff.dev/exit-code': '4',
    };
    await apply('short', {
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: { name: 'short', labels: { app: 'short' }, annotations },
      spec: { containers, tolerations, nodeSelector, restartPolicy: 'Never' },
    });
    await eventually('it has ended', async () => {
      const [pod] = await podsOf('app=short');
      assert.equal(pod?.status.phase, 'Failed');
      assert.equal(pod?.status.containerStatuses?.[0]?.state?.terminated?.exitCode, 4);
    });
  });

  it('take a node that somebody else made', async () => {
    await apply('own', {
      ...{ apiVersion: 'v1', kind: 'Node' },
      metadata: {
        name: 'own',
        labels: { type: 'simulated' },
        annotations: { 'lab.skiff.dev/capacity': 'cpu=64,nvidia.com/gpu=8' },
      },
    });
    await eventually('it is Ready', async () => {
      const { status } = await lab.get<Node>('node', 'own');
      assert.equal(status?.allocatable?.['nvidia.com/gpu'], '8');
      assert.ok(status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'));
    });
  });
});
