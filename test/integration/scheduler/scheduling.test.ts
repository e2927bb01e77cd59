/** The scheduler against a real API server: room, churn, and being killed in between. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock as clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { nodes, pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import { quantityToMilli } from '../../../proto/api/quantity.ts';
import { isNotFound } from '../../../proto/api/status-error.ts';
import { runScheduler } from '../../../scheduler/run-scheduler.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const namespace = 'default';
const NODE_MILLI_CPU = 1_000;

describe('the scheduler', () => {
  let server: TestApiServer;
  let client: RestClient;
  /** Of the scheduler that a failed test has left. */
  let stopRunning: (() => Promise<void>) | undefined;
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
    for (const name of ['n1', 'n2', 'n3']) {
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} });
      const allocatable = { cpu: `${NODE_MILLI_CPU}m`, memory: '8Gi', pods: '20' };
      const patch = { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
      await client.patch(nodes, { name }, 'strategic', patch, { subresource: 'status' });
      // A new node is tainted as not ready until the node controller, which isn't here, sees it.
      await client.patch(nodes, { name }, 'merge', { spec: { taints: null } });
    }
  });
  after(async () => {
    await stopRunning?.();
    client.close();
    await server.stop();
  });

  const start = (): (() => Promise<void>) => {
    const end = new AbortController();
    const tieBreak = { kind: 'first' } as const;
    const options = { client, clock, logger: silentLogger, tieBreak };
    const running = runScheduler(options, end.signal);
    stopRunning = async () => {
      end.abort();
      await running;
    };
    return stopRunning;
  };
  const create = (name: string, cpu: string, more: object = {}): Promise<Pod> =>
    client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...more },
    });
  const list = async (): Promise<readonly Pod[]> => (await client.list(pods, { namespace })).items;
  /** Throws when a node has been given more than it has. */
  const usage = (all: readonly Pod[]): ReadonlyMap<string, number> => {
    const used = new Map<string, number>();
    for (const { spec } of all) {
      const cpu = spec.containers[0]?.resources?.requests?.cpu ?? '0';
      const node = spec.nodeName ?? '';
      used.set(node, (used.get(node) ?? 0) + quantityToMilli(cpu));
    }
    for (const [node, cpu] of used) {
      if (node !== '') assert.ok(cpu <= NODE_MILLI_CPU, `${node} was given ${cpu}m`);
    }
    return used;
  };
  const remove = (name: string) =>
    client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });

  it('fills the nodes to the brim, and no further', async () => {
    const stop = start();
    await Promise.all(Array.from({ length: 40 }, (_, index) => create(`p${index}`, '100m')));
    await eventually('thirty pods have nodes', async () => {
      const used = usage(await list());
      for (const node of ['n1', 'n2', 'n3']) assert.equal(used.get(node), NODE_MILLI_CPU);
    });
    await eventually('ten pods are told why not', async () => {
      const told = (await list()).filter(({ status }) =>
        status.conditions?.some(
          ({ type, message }) =>
            type === 'PodScheduled' &&
            message?.startsWith('0/3 nodes are available: 3 Insufficient cpu. preemption: ') ===
              true,
        ),
      );
      assert.equal(told.length, 10);
    });
    await stop();
  });

  it('gives what is freed to those who wait, over restarts in between', async () => {
    let stop = start();
    const placed = (await list()).filter(({ spec }) => spec.nodeName !== undefined);
    for (const [index, { metadata }] of placed.slice(0, 10).entries()) {
      await remove(metadata.name);
      if (index % 3 !== 0) continue;
      await stop();
      stop = start();
    }
    await eventually('all pods have nodes', async () => {
      const all = await list();
      usage(all);
      assert.ok(all.every(({ spec }) => spec.nodeName !== undefined));
      assert.equal(all.length, 30);
    });
    await stop();
  });

  it('leaves pods to other schedulers, and takes up what was made while it was away', async () => {
    for (const { metadata } of await list()) await remove(metadata.name);
    await create('foreign', '100m', { schedulerName: 'other' });
    await create('gated', '100m', { schedulingGates: [{ name: 'example.com/wait' }] });
    await create('ours', '100m');
    const stop = start();
    await eventually('ours has a node', async () => {
      const all = await list();
      const withNode = all.filter(({ spec }) => spec.nodeName !== undefined);
      assert.deepEqual(
        withNode.map(({ metadata }) => metadata.name),
        ['ours'],
      );
    });
    const open = { spec: { schedulingGates: null } };
    await client.patch(pods, { namespace, name: 'gated' }, 'merge', open);
    await eventually('the gate is open', async () => {
      const gated = await client.get(pods, { namespace, name: 'gated' });
      assert.ok(gated.spec.nodeName !== undefined);
    });
    await stop();
  });
});
