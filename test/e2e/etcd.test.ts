/** A lab on etcd: the same cluster, and the objects are in etcd. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { mustRun } from '../support/run-command.ts';
import { TestLab } from '../support/test-lab.ts';

describe('skiff up --store etcd', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--store', 'etcd', '-f', 'manifests/hello.yaml');
  });
  after(() => lab.down());

  it('runs the same deployment', async () => {
    assert.match(await lab.kubectl('get', 'deployment', 'hello'), /hello +3\/3/);
  });

  it('keeps the objects in the etcd of the lab', async () => {
    const inside = [`--net=/run/netns/skiff-${lab.name}`, 'env', 'ETCDCTL_API=3', 'etcdctl'];
    const keys = await mustRun('nsenter', [
      ...inside,
      'get',
      '--prefix',
      '--keys-only',
      '/registry/',
    ]);
    assert.match(keys, /^\/registry\/deployments\.apps\/default\/hello$/m);
  });

  it('survives the death of the API server and of etcd', async () => {
    for (const victim of ['apiserver', 'etcd']) {
      process.kill(lab.pidOf(victim), 'SIGKILL');
      await eventually(`a write after the death of ${victim}`, () =>
        lab.kubectl('create', 'configmap', `after-${victim}`),
      );
    }
    await lab.kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s');
    assert.match(await lab.kubectl('get', 'configmaps'), /after-etcd/);
  });
});
