import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Container, Pod, PodSpec } from '../../../proto/api/gen/core-v1.ts';
import { configmaps, leases, nodes, pods } from '../../../proto/api/gen/resources.ts';
import type { Draft } from '../../../proto/api/meta.ts';
import { eventually } from '../../support/eventually.ts';
import { NODE, NodeHarness } from './node-harness.ts';

describe('a node', () => {
  let h: NodeHarness;

  before(async () => {
    h = await NodeHarness.create();
  });
  after(async () => {
    await h.close();
    assert.deepEqual(await h.leftovers(), []);
  });

  it('registers itself and becomes Ready', async () => {
    const node = await eventually('Ready', async () => {
      const found = await h.client.get(nodes, { name: NODE });
      const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
      assert.equal(ready?.status, 'True', `${ready?.message}\n${h.log('agent')}`);
      return found;
    });
    assert.equal(node.spec?.podCIDR, h.podCidr);
    assert.equal(node.status?.nodeInfo?.kubeletVersion, 'v1.36.3+skiff');
    assert.equal(node.status?.capacity?.pods, '110');
    assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], NODE);
  });

  it('keeps its lease', async () => {
    const lease = await eventually('lease', () =>
      h.client.get(leases, { namespace: 'kube-node-lease', name: NODE }),
    );
    assert.equal(lease.spec.leaseDurationSeconds, 40);
    assert.equal(lease.metadata.ownerReferences?.[0]?.name, NODE);
  });
});

function podOf(name: string, spec: Partial<PodSpec>): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: NODE,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      containers: [shell('sleep 3600')],
      ...spec,
    },
  };
}

function shell(script: string, more: Partial<Container> = {}): Container {
  return {
    name: 'app',
    image: 'skiff/host',
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/sh', '-c', script],
    ...more,
  };
}

describe('pods on a node', () => {
  let h: NodeHarness;

  before(async () => {
    h = await NodeHarness.create();
  });
  after(async () => {
    await h.close();
    assert.deepEqual(await h.leftovers(), []);
  });

  const isRunning = (pod: Pod): boolean => pod.status?.phase === 'Running';
  const create = (name: string, spec: Partial<PodSpec> = {}): Promise<Pod> =>
    h.client.create(pods, podOf(name, spec));
  const logOf = async (pod: Pod, name = 'app', run = 0): Promise<string> => {
    const { namespace, uid } = pod.metadata;
    const folder = `${namespace}_${pod.metadata.name}_${uid}`;
    const file = path.join(h.agentData, 'logs/pods', folder, name, `${run}.log`);
    return readFile(file, 'utf8');
  };
  async function remove(name: string): Promise<void> {
    await h.client.delete(pods, { namespace: 'default', name });
    await eventually(`${name} gone`, async () => {
      const left = await h.client.list(pods);
      return left.items.every((pod) => pod.metadata.name !== name);
    });
  }

  it('runs a pod and removes it without a trace', async () => {
    await create('plain');
    const pod = await h.pod('plain', 'Running', isRunning);
    assert.match(pod.status?.podIP ?? '', /^10\.214\./);
    assert.equal(pod.status?.containerStatuses?.[0]?.ready, true);
    assert.match(pod.status?.containerStatuses?.[0]?.containerID ?? '', /^skiff:\/\//);
    await remove('plain');
    await eventually('sandbox gone', async () => {
      return (await h.cri.listPodSandbox({})).items.length === 0;
    });
    const mounts = await readFile('/proc/mounts', 'utf8');
    assert.ok(!mounts.includes(pod.metadata.uid));
    const groups = (await h.cgroupFolders()).filter((folder) => folder.includes(pod.metadata.uid));
    assert.deepEqual(groups, []);
  });

  it('gives a container its environment, files and identity', async () => {
    const metadata = { name: 'settings', namespace: 'default' };
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'value' } } as const;
    await h.client.create(configmaps, map);
    await create('files', {
      restartPolicy: 'Never',
      containers: [
        shell(
          'cat /etc/settings/key; echo; echo $KEY $IP; hostname; cat /etc/hosts; echo bye > /dev/termination-log; touch /scratch/x && ls /scratch',
          {
            env: [
              { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
            volumeMounts: [
              { name: 'settings', mountPath: '/etc/settings' },
              { name: 'scratch', mountPath: '/scratch' },
            ],
          },
        ),
      ],
      volumes: [
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'scratch', emptyDir: {} },
      ],
    });
    const pod = await h.pod('files', 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
    const log = await logOf(pod);
    const { podIP } = pod.status ?? {};
    for (const text of [
      'F value\n',
      `F value ${podIP}\n`,
      'F files\n',
      `F ${podIP}\tfiles\n`,
      'F x\n',
    ]) {
      assert.ok(log.includes(text), `${JSON.stringify(text)} is not in\n${log}`);
    }
    const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated;
    assert.equal(terminated?.message, 'bye\n');
    assert.equal(terminated.reason, 'Completed');
    await remove('files');
  });

  it('restarts what fails, and reports exit code and count', async () => {
    await create('crash', { containers: [shell('exit 3')] });
    const pod = await h.pod('crash', 'in back-off', ({ status }) => {
      return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff';
    });
    const [status] = pod.status?.containerStatuses ?? [];
    assert.equal(status?.restartCount, 1);
    assert.equal(status.lastState?.terminated?.exitCode, 3);
    assert.equal(status.lastState?.terminated?.reason, 'Error');
    await remove('crash');
  });

  it('reports a container that used too much memory', async () => {
    const limits = { memory: '32Mi' };
    const eater = shell('exec sort -S 500M /dev/zero', { resources: { limits } });
    await create('eater', { restartPolicy: 'Never', containers: [eater] });
    const pod = await h.pod('eater', 'Failed', ({ status }) => status?.phase === 'Failed');
    const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated;
    assert.equal(terminated?.reason, 'OOMKilled');
    await remove('eater');
  });

  it('runs init containers, and probes', async () => {
    await create('probed', {
      initContainers: [shell('echo init', { name: 'init' })],
      containers: [
        shell('touch /tmp/ready; sleep 3600', {
          readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 },
        }),
      ],
    });
    const pod = await h.pod('probed', 'ready', ({ status }) => {
      return status?.containerStatuses?.[0]?.ready === true;
    });
    assert.equal(pod.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, 'Completed');
    await remove('probed');
  });

  it('lets a container end by itself within its grace', async () => {
    const script = 'trap "echo got it; exit 0" TERM; echo up; while true; do sleep 0.1; done';
    await create('polite', { containers: [shell(script)], terminationGracePeriodSeconds: 30 });
    await h.pod('polite', 'Running', isRunning);
    const startMs = performance.now();
    await remove('polite');
    assert.ok(performance.now() - startMs < 15_000);
  });

  it('an agent that is killed adopts its pods', async () => {
    await create('adopted');
    const before = await h.pod('adopted', 'Running', isRunning);
    await create('ended', { restartPolicy: 'Never', containers: [shell('sleep 2; exit 5')] });
    await h.pod('ended', 'Running', isRunning);
    await h.stop('agent', 'SIGKILL');
    await eventually('exit while the agent is away', async () => {
      const { containers } = await h.cri.listContainers({});
      return containers.some(({ state }) => state === 'CONTAINER_EXITED');
    });
    h.start('agent');
    const ended = await h.pod('ended', 'Failed', ({ status }) => status?.phase === 'Failed');
    assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 5);
    const after = await h.client.get(pods, { namespace: 'default', name: 'adopted' });
    assert.deepEqual(after.status?.containerStatuses, before.status?.containerStatuses);
    await remove('adopted');
    await remove('ended');
  });

  it('removes a pod that was force deleted while the agent was away', async () => {
    await create('orphan');
    const { metadata } = await h.pod('orphan', 'Running', isRunning);
    const filter = { label_selector: { 'io.kubernetes.pod.uid': metadata.uid } };
    await h.stop('agent', 'SIGKILL');
    await h.client.delete(
      pods,
      { namespace: 'default', name: 'orphan' },
      { gracePeriodSeconds: 0 },
    );
    h.start('agent');
    await eventually('sandbox gone', async () => {
      return (await h.cri.listPodSandbox({ filter })).items.length === 0;
    });
  });
});
