/** Preemption against a real API server: priority classes, victims, budgets, events. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock as clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import {
  events,
  nodes,
  pods,
  priorityclasses,
  serviceaccounts,
} from '../../../proto/api/gen/resources.ts';
import { runScheduler } from '../../../scheduler/run-scheduler.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const namespace = 'default';

describe('preemption', () => {
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
    await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      spec: {},
    });
    const allocatable = { cpu: '1', memory: '8Gi', pods: '20' };
    const patch = { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
    await client.patch(nodes, { name: 'n1' }, 'strategic', patch, { subresource: 'status' });
    await client.patch(nodes, { name: 'n1' }, 'merge', { spec: { taints: null } });
    await client.create(priorityclasses, {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'high' },
      value: 1000,
    });
    const tieBreak = { kind: 'first' } as const;
    running = runScheduler({ client, clock, logger: silentLogger, tieBreak }, end.signal);
  });
  after(async () => {
    end.abort();
    await running;
    client.close();
    await server.stop();
  });

  const create = (name: string, cpu: string, more: object = {}): Promise<Pod> =>
    client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...more },
    });
  const get = (name: string): Promise<Pod> => client.get(pods, { namespace, name });

  it('makes room for a pod of a higher class, and tells everyone', async () => {
    await create('low', '800m', { terminationGracePeriodSeconds: 30 });
    await eventually('low has the node', async () => {
      assert.equal((await get('low')).spec.nodeName, 'n1');
    });
    const high = await create('high', '800m', { priorityClassName: 'high' });
    assert.equal(high.spec.priority, 1000);
    await eventually('low is told to go, and why', async () => {
      const low = await get('low');
      assert.ok(low.metadata.deletionTimestamp !== undefined);
      const target = low.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
      assert.equal(target?.reason, 'PreemptionByScheduler');
      assert.equal(
        target?.message,
        'default-scheduler: preempting to accommodate a higher priority pod',
      );
      assert.equal((await get('high')).status.nominatedNodeName, 'n1');
    });
    // The kubelet, which isn't here, would say that it is gone.
    await client.delete(pods, { namespace, name: 'low' }, { gracePeriodSeconds: 0 });
    await eventually('high has the room', async () => {
      const { spec, status } = await get('high');
      assert.equal(spec.nodeName, 'n1');
      assert.equal(status.nominatedNodeName, undefined, 'Nothing is to be made room for any more');
    });
    await eventually('there is an event', async () => {
      const { items } = await client.list(events, { namespace });
      const texts = items.map(({ reason, message }) => `${reason}: ${message}`);
      const text = `Preempted: Preempted by pod ${high.metadata.uid} on node n1`;
      assert.ok(texts.includes(text), texts.join('\n'));
    });
  });

  it('refuses a class that does not exist, and takes the place of nobody for an equal', async () => {
    await assert.rejects(
      create('unknown', '100m', { priorityClassName: 'none' }),
      /no PriorityClass with name none was found/,
    );
    await create('equal', '800m', { priorityClassName: 'high' });
    await eventually('equal is told why not', async () => {
      const { status } = await get('equal');
      const condition = status.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(
        condition?.message,
        '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
      );
    });
    assert.equal((await get('high')).metadata.deletionTimestamp, undefined);
  });
});
