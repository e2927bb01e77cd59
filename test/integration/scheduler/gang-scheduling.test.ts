/** Gangs against a real API server: the kind, the configuration, all or nothing, what is told. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock as clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { nodes, podgroups, pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import type { PodGroup } from '../../../proto/api/gen/scheduling-v1alpha2.ts';
import { readConfiguration } from '../../../scheduler/config/read-configuration.ts';
import { runScheduler } from '../../../scheduler/run-scheduler.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const namespace = 'default';
const CONFIGURATION = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- plugins:
    multiPoint:
      enabled:
      - name: GangScheduling
`;

describe('gang scheduling', () => {
  let server: TestApiServer;
  let client: RestClient;
  const end = new AbortController();
  let running: Promise<void> | undefined;

  before(async () => {
    server = await startTestApiServer();
    const admin = server.clientCertificate('admin', ['system:masters']);
    const connection = {
      server: `https://127.0.0.1:${server.port}`,
      ca: server.pki.ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
      namespace,
    };
    client = new RestClient({ connection, clock, userAgent: 'skiff-test' });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount' } as const;
    await client.create(serviceaccounts, { ...account, metadata: { namespace, name: 'default' } });
    await createNode('n1');
    const configuration = readConfiguration(CONFIGURATION);
    const tieBreak = { kind: 'first' } as const;
    const options = { client, clock, logger: silentLogger, tieBreak, configuration };
    running = runScheduler(options, end.signal);
  });
  after(async () => {
    end.abort();
    await running;
    client.close();
    await server.stop();
  });

  const createNode = async (name: string): Promise<void> => {
    await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} });
    const allocatable = { cpu: '2', memory: '8Gi', pods: '20' };
    const patch = { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
    await client.patch(nodes, { name }, 'strategic', patch, { subresource: 'status' });
    await client.patch(nodes, { name }, 'merge', { spec: { taints: null } });
  };
  const createGroup = (name: string, minCount: number): Promise<PodGroup> =>
    client.create(podgroups, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { namespace, name },
      spec: { schedulingPolicy: { gang: { minCount } } },
    });
  const createPod = (name: string, cpu: string, more: object = {}): Promise<Pod> =>
    client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...more },
    });
  const get = (name: string): Promise<Pod> => client.get(pods, { namespace, name });
  const scheduledOf = async (name: string): Promise<string> => {
    const { status } = await client.get(podgroups, { namespace, name });
    const condition = status.conditions?.find(({ type }) => type === 'PodGroupScheduled');
    return `${condition?.status} ${condition?.reason} ${condition?.message}`;
  };

  it('binds all of a gang when there is room for all, and tells of both', async () => {
    const schedulingGroup = { podGroupName: 'train' };
    for (const name of ['train-0', 'train-1', 'train-2']) {
      await createPod(name, '1', { schedulingGroup });
    }
    await createGroup('train', 3);
    await eventually('the group is told that there is no room', async () => {
      assert.match(
        await scheduledOf('train'),
        /^False Unschedulable 0\/1 nodes are available: 1 Insufficient cpu\./,
      );
    });
    await eventually('so is the pod that would have had a node', async () => {
      const { status } = await get('train-0');
      const condition = status.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(condition?.message, 'other pods from a pod group are unschedulable');
    });
    await createPod('single', '1');
    await eventually('others get what the gang does not hold', async () => {
      assert.equal((await get('single')).spec.nodeName, 'n1');
    });
    for (const name of ['train-0', 'train-1', 'train-2']) {
      assert.equal((await get(name)).spec.nodeName, undefined);
    }
    await createNode('n2');
    await eventually('all three have a node', async () => {
      for (const name of ['train-0', 'train-1', 'train-2']) {
        assert.notEqual((await get(name)).spec.nodeName ?? '', '');
      }
    });
    await eventually('the group is told', async () => {
      assert.equal(await scheduledOf('train'), 'True Scheduled ');
    });
  });

  it('refuses a group without a policy, and another policy later', async () => {
    await assert.rejects(
      client.create(podgroups, {
        apiVersion: 'scheduling.k8s.io/v1alpha2',
        kind: 'PodGroup',
        metadata: { namespace, name: 'empty' },
        spec: { schedulingPolicy: {} },
      }),
      /spec.schedulingPolicy: Required value: must specify one of: `basic`, `gang`/,
    );
    await createGroup('fixed', 2);
    const target = { namespace, name: 'fixed' };
    const patch = { spec: { schedulingPolicy: { gang: { minCount: 3 } } } };
    await assert.rejects(
      client.patch(podgroups, target, 'merge', patch),
      /spec.schedulingPolicy: Invalid value: .*: field is immutable/,
    );
  });
});
