/** What goes with its owner, and what with its namespace, through a real API server. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  configmaps,
  deployments,
  namespaces,
  pods,
  replicasets,
  secrets,
  serviceaccounts,
} from '../../../proto/api/gen/resources.ts';
import type { KubernetesObject } from '../../../proto/api/meta.ts';
import type { Resource } from '../../../proto/api/resource.ts';
import { isNotFound } from '../../../proto/api/status-error.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

let plane: ControlPlane;
before(async () => {
  plane = await startControlPlane({ nodes: ['n1'] });
});
after(() => plane.stop());

const namespace = 'default';

async function names<T extends KubernetesObject>(
  resource: Resource<T>,
  inNamespace = namespace,
  labelSelector = '',
): Promise<string[]> {
  const list = await plane.client.list(resource, { namespace: inNamespace, labelSelector });
  return list.items.map(({ metadata }) => metadata.name).sort();
}

function isGone(resource: Resource<unknown>, name: string, inNamespace = namespace) {
  return eventually(`${resource.kind} ${name} is gone`, async () => {
    try {
      await plane.client.get(resource, { namespace: inNamespace, name });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  });
}

async function createConfigMap(name: string, more: object = {}): Promise<string> {
  const metadata = { namespace, name, ...more };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata } as const;
  return (await plane.client.create(configmaps, object)).metadata.uid;
}

function ownedBy(name: string, uid: string, blockOwnerDeletion = false) {
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion };
}

async function createDeployment(name: string): Promise<void> {
  const labels = { app: name };
  await plane.client.create(deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  await eventually(`the pods of ${name}`, async () => {
    const { status } = await plane.client.get(deployments, { namespace, name });
    assert.equal(status.availableReplicas, 3);
  });
}

describe('the garbage collector', () => {
  it('deletes in the background what an owner leaves', async () => {
    await createDeployment('background');
    await plane.client.delete(
      deployments,
      { namespace, name: 'background' },
      { propagationPolicy: 'Background' },
    );
    await eventually('ReplicaSets and pods are gone', async () => {
      assert.deepEqual(await names(replicasets, namespace, 'app=background'), []);
      assert.deepEqual(await names(pods, namespace, 'app=background'), []);
    });
  });

  it('deletes in the foreground: the owner goes last', async () => {
    await createDeployment('foreground');
    await plane.client.delete(
      deployments,
      { namespace, name: 'foreground' },
      { propagationPolicy: 'Foreground' },
    );
    await isGone(deployments, 'foreground');
    assert.deepEqual(await names(pods, namespace, 'app=foreground'), []);
    assert.deepEqual(await names(replicasets, namespace, 'app=foreground'), []);
  });

  it('orphans: the dependents stay and forget', async () => {
    const uid = await createConfigMap('orphaning');
    await createConfigMap('orphan', { ownerReferences: [ownedBy('orphaning', uid)] });
    await plane.client.delete(
      configmaps,
      { namespace, name: 'orphaning' },
      { propagationPolicy: 'Orphan' },
    );
    await isGone(configmaps, 'orphaning');
    const { metadata } = await plane.client.get(configmaps, { namespace, name: 'orphan' });
    assert.equal(metadata.ownerReferences, undefined);
  });

  it('keeps what another owner holds, and forgets the one that is gone', async () => {
    const [a, b] = [await createConfigMap('owner-a'), await createConfigMap('owner-b')];
    const ownerReferences = [ownedBy('owner-a', a), ownedBy('owner-b', b)];
    await createConfigMap('shared', { ownerReferences });
    await plane.client.delete(configmaps, { namespace, name: 'owner-a' });
    await eventually('it has one owner', async () => {
      const { metadata } = await plane.client.get(configmaps, { namespace, name: 'shared' });
      assert.deepEqual(
        metadata.ownerReferences?.map(({ name }) => name),
        ['owner-b'],
      );
    });
    await plane.client.delete(configmaps, { namespace, name: 'owner-b' });
    await isGone(configmaps, 'shared');
  });

  it('deletes what names an owner that never was, or was another', async () => {
    const uid = await createConfigMap('real');
    await createConfigMap('of-real', { ownerReferences: [ownedBy('real', uid)] });
    await createConfigMap('of-nobody', { ownerReferences: [ownedBy('nobody', 'no-uid')] });
    await createConfigMap('of-other', { ownerReferences: [ownedBy('real', 'other-uid')] });
    const ownerReferences = [ownedBy('nobody', 'no-uid')];
    const root = { name: 'of-nobody', ownerReferences };
    await plane.client.create(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: root,
      spec: {},
    });
    await isGone(configmaps, 'of-nobody');
    await isGone(configmaps, 'of-other');
    const { metadata } = await plane.client.get(namespaces, { name: 'of-nobody' });
    assert.equal(metadata.deletionTimestamp, undefined, 'Where its owner would be, nobody knows');
    assert.ok((await names(configmaps)).includes('of-real'));
  });
});

describe('namespaces', () => {
  it('have an account and the root certificate, again when these are deleted', async () => {
    await eventually('both are there', async () => {
      assert.ok((await names(serviceaccounts)).includes('default'));
      const map = await plane.client.get(configmaps, { namespace, name: 'kube-root-ca.crt' });
      assert.equal(map.data?.['ca.crt'], 'CA');
    });
    await plane.client.delete(serviceaccounts, { namespace, name: 'default' });
    await plane.client.delete(configmaps, { namespace, name: 'kube-root-ca.crt' });
    await eventually('both are there again', async () => {
      assert.ok((await names(serviceaccounts)).includes('default'));
      assert.ok((await names(configmaps)).includes('kube-root-ca.crt'));
    });
  });

  it('go with all they have, pods and what waits for a finalizer included', async () => {
    const name = 'doomed';
    const root = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} } as const;
    await plane.client.create(namespaces, root);
    const metadata = { namespace: name, name: 'x' };
    await eventually('the account', async () => {
      assert.ok((await names(serviceaccounts, name)).includes('default'));
    });
    await plane.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata });
    await plane.client.create(configmaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, finalizers: ['example.com/hold'] },
    });
    await plane.client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await plane.client.delete(namespaces, { name });
    await eventually('it says what it waits for', async () => {
      const { status } = await plane.client.get(namespaces, { name });
      assert.equal(status.phase, 'Terminating');
      const waiting = status.conditions?.find(
        ({ type }) => type === 'NamespaceFinalizersRemaining',
      );
      assert.match(waiting?.message ?? '', /example.com\/hold in 1 resource instances/);
    });
    await isGone(pods, 'x', name);
    await plane.client.patch(configmaps, metadata, 'merge', { metadata: { finalizers: null } });
    await isGone(namespaces, name);
    assert.deepEqual(await names(secrets, name), []);
  });
});
