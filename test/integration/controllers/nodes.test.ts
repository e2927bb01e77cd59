/** Nodes that fall silent and come back, and where their pods go, through a real API server. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import {
  deployments,
  endpoints,
  endpointslices,
  nodes,
  pods,
  services,
} from '../../../proto/api/gen/resources.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

const namespace = 'default';
const labels = { app: 'web' };

describe('nodes', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ nodes: ['n1', 'n2'], nodeGraceMs: 1_500 });
  });
  after(() => plane.stop());

  const readyOf = (node: Node) => node.status.conditions?.find(({ type }) => type === 'Ready');
  const taintsOf = (node: Node): string[] =>
    (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
  const podsOn = async (node: string) => {
    const { items } = await plane.client.list(pods, { namespace, labelSelector: 'app=web' });
    return items.filter(
      ({ spec, metadata }) => spec.nodeName === node && metadata.deletionTimestamp === undefined,
    );
  };
  const addressesOf = async (): Promise<number> => {
    const { subsets = [] } = await plane.client.get(endpoints, { namespace, name: 'web' });
    return subsets.flatMap(({ addresses = [] }) => addresses).length;
  };

  it('get pods; a Service knows where they are', async () => {
    await plane.client.create(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'web' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
    });
    const tolerations = ['not-ready', 'unreachable'].map((name) => ({
      key: `node.kubernetes.io/${name}`,
      operator: 'Exists' as const,
      effect: 'NoExecute' as const,
      tolerationSeconds: 1,
    }));
    const container = {
      name: 'c',
      image: 'i',
      ports: [{ name: 'http', containerPort: 8080 }],
      resources: { requests: { cpu: '500m', memory: '500Mi' } },
    };
    await plane.client.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'web' },
      spec: {
        replicas: 4,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container], tolerations } },
      },
    });
    await eventually('four addresses', async () => {
      assert.equal(await addressesOf(), 4);
      assert.equal((await podsOn('n1')).length, 2);
    });
    const { subsets = [] } = await plane.client.get(endpoints, { namespace, name: 'web' });
    assert.deepEqual(subsets[0]?.ports, [{ port: 8080, protocol: 'TCP' }]);
    await eventually('an EndpointSlice', async () => {
      const slices = await plane.client.list(endpointslices, {
        namespace,
        labelSelector: 'kubernetes.io/service-name=web',
      });
      assert.equal(slices.items.length, 1);
      assert.equal(slices.items[0]?.endpoints?.length, 4);
    });
  });

  it('that fall silent are tainted, and their pods move to the others', async () => {
    plane.cutOff('n2');
    await eventually('n2 is lost', async () => {
      const node = await plane.client.get(nodes, { name: 'n2' });
      assert.equal(readyOf(node)?.status, 'Unknown');
      assert.equal(readyOf(node)?.reason, 'NodeStatusUnknown');
      assert.deepEqual(taintsOf(node), [
        'node.kubernetes.io/unreachable:NoExecute',
        'node.kubernetes.io/unreachable:NoSchedule',
      ]);
    });
    await eventually('its pods are on n1', async () => {
      assert.equal((await podsOn('n1')).length, 4);
      assert.equal((await podsOn('n2')).length, 0);
      assert.equal(await addressesOf(), 4);
    });
    const healthy = await plane.client.get(nodes, { name: 'n1' });
    assert.equal(readyOf(healthy)?.status, 'True');
  });

  it('keep their pods when all are silent: then it is not they who are cut off', async () => {
    plane.cutOff('n1');
    await eventually('n1 is lost', async () => {
      const node = await plane.client.get(nodes, { name: 'n1' });
      assert.equal(readyOf(node)?.status, 'Unknown');
      assert.deepEqual(taintsOf(node), ['node.kubernetes.io/unreachable:NoSchedule']);
    });
    assert.equal((await podsOn('n1')).length, 4);
    await eventually('no address: nobody knows whether they still answer', async () => {
      assert.equal(await addressesOf(), 0);
    });
  });

  it('that come back lose their taints and get pods again', async () => {
    await plane.rejoin('n1');
    await plane.rejoin('n2');
    await eventually('both are ready', async () => {
      for (const name of ['n1', 'n2']) {
        const node = await plane.client.get(nodes, { name });
        assert.equal(readyOf(node)?.status, 'True');
        assert.deepEqual(taintsOf(node), []);
      }
    });
    const target = { namespace, name: 'web' };
    await plane.client.patch(deployments, target, 'merge', { spec: { replicas: 8 } });
    await eventually('pods on n2', async () => {
      assert.equal((await podsOn('n2')).length, 4);
    });
  });

  it('that are cordoned get no pods, and a pod without a node is told why', async () => {
    for (const name of ['n1', 'n2']) {
      await plane.client.patch(nodes, { name }, 'merge', { spec: { unschedulable: true } });
    }
    await plane.client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: 'late' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const target = { namespace, name: 'late' };
    await eventually('it is told', async () => {
      const { status } = await plane.client.get(pods, target);
      const condition = status.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(condition?.reason, 'Unschedulable');
      assert.match(condition?.message ?? '', /^0\/2 nodes are available: 2 node\(s\) were unsch/);
    });
    await plane.client.patch(nodes, { name: 'n2' }, 'merge', { spec: { unschedulable: null } });
    await eventually('it runs on n2', async () => {
      assert.equal((await plane.client.get(pods, target)).spec.nodeName, 'n2');
    });
  });
});
