/** kill -9 of any one process while 30 pods run: nothing is lost, nothing runs twice. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { isAlive, startTimeOf } from '../../lab/proc.ts';
import type { ConfigMap, Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { TestLab } from '../support/test-lab.ts';

const REPLICAS = 30;
const VICTIMS = [
  'apiserver',
  'scheduler',
  'controllers',
  'node-1/agent',
  'node-1/runtime',
  'node-2/runtime',
];

const MANIFEST = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'many' },
  spec: {
    replicas: REPLICAS,
    selector: { matchLabels: { app: 'many' } },
    template: {
      metadata: { labels: { app: 'many' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '100000'] }],
      },
    },
  },
});

describe('a killed process', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '3');
    const { code, stderr } = await lab.run('./skiff', ['apply', '-f', '-'], { input: MANIFEST });
    assert.equal(code, 0, stderr);
    await lab.kubectl('rollout', 'status', 'deployment/many', '--timeout=120s');
  });
  after(() => lab.down());

  /** Pod UID and container id of each running pod, with the restarts: what must not change. */
  async function identities(): Promise<readonly string[]> {
    const { items } = await lab.get<{ items: Pod[] }>('pods', '-l', 'app=many');
    return items
      .map(({ metadata, status }) => {
        const [container] = status.containerStatuses ?? [];
        return `${metadata.uid} ${container?.containerID} ${container?.restartCount} ${status.phase}`;
      })
      .sort();
  }

  /** The processes that run in containers of the lab, by their command line. */
  function sleepers(): readonly number[] {
    const cgroup = new RegExp(`/skiff/${lab.name}/`);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          return (
            command.split('\0').join(' ') === 'sleep 100000 ' &&
            cgroup.test(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
          );
        } catch {
          return false; // It has ended meanwhile.
        }
      })
      .map(Number);
  }

  it('begins with every pod running once', () => {
    assert.equal(sleepers().length, REPLICAS);
  });

  for (const [index, victim] of VICTIMS.entries()) {
    it(`${victim}: is started again, and the cluster converges by itself`, async () => {
      const before = await identities();
      const processes = sleepers();
      const marker = `written-${index}`;
      await lab.kubectl('create', 'configmap', marker, '--from-literal=n=1');
      const pid = lab.pidOf(victim);
      const startTime = startTimeOf(pid) ?? '';

      process.kill(pid, 'SIGKILL');
      await eventually('another process takes its place', () => {
        const next = lab.pidOf(victim);
        return next !== pid && isAlive({ pid: next, startTime: startTimeOf(next) ?? '' });
      });
      assert.equal(isAlive({ pid, startTime }), false);

      // It works again: a new pod runs, on each node in turn, and goes away.
      const node = `node-${(index % 3) + 1}`;
      const probe = `probe-${index}`;
      await eventually('the API server answers', async () => {
        await lab.kubectl('get', '--raw', '/readyz');
      });
      await lab.run('./skiff', ['apply', '-f', '-'], {
        input: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: probe },
          spec: {
            nodeSelector: { 'kubernetes.io/hostname': node },
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '99999'] }],
          },
        }),
      });
      await lab.kubectl('wait', `pod/${probe}`, '--for=condition=Ready', '--timeout=60s');
      await lab.kubectl('delete', 'pod', probe, '--timeout=60s');

      const map = await lab.get<ConfigMap>('configmap', marker);
      assert.equal(map.data?.n, '1');
      await eventually('every pod is as it was', async () => {
        assert.deepEqual(await identities(), before);
      });
      assert.deepEqual(sleepers(), processes);
      const nodes = await lab.get<{ items: Node[] }>('nodes');
      const ready = nodes.items.filter(({ status }) =>
        status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
      );
      assert.equal(ready.length, 3);
    });
  }

  it('supervisor: the next up takes over, and no container notices', async () => {
    const before = await identities();
    const { readSupervisorState } = await import('../../lab/cluster/lab-files.ts');
    const { runDirOf } = await import('../../lab/cluster/lab-spec.ts');
    const state = readSupervisorState(runDirOf(lab.name));
    assert.ok(state !== undefined);
    process.kill(state.pid, 'SIGKILL');
    await eventually('the supervisor is gone', () => !isAlive(state));
    await lab.up();
    await eventually('every pod is as it was', async () => {
      assert.deepEqual(await identities(), before);
    });
    assert.equal(sleepers().length, REPLICAS);
  });
});
