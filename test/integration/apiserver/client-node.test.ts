/** The JavaScript client, unmodified: typed calls, an informer, patches, and server-side apply. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  type V1ConfigMap,
} from '@kubernetes/client-node';
import { writeKubeconfig } from '../../../apiserver/auth/pki.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

describe('@kubernetes/client-node', () => {
  let server: TestApiServer;
  let dir = '';
  const config = new KubeConfig();
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'skt-server-client-'));
    server = await startTestApiServer();
    const file = path.join(dir, 'kubeconfig');
    await writeKubeconfig(file, server.pki.ca, {
      user: 'admin',
      groups: ['system:masters'],
      server: `https://127.0.0.1:${server.port}`,
      contextName: 'test',
      nowMs: Date.now(),
    });
    config.loadFromFile(file);
  });
  after(async () => {
    await server.stop();
    await rm(dir, { recursive: true });
  });

  it('creates, reads, lists, replaces and deletes', async () => {
    const api = config.makeApiClient(CoreV1Api);
    const namespace = 'default';
    const made = await api.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: 'a' }, data: { x: '1' } },
    });
    assert.equal(made.metadata?.creationTimestamp instanceof Date, true);
    const read = await api.readNamespacedConfigMap({ namespace, name: 'a' });
    assert.deepEqual(read.data, { x: '1' });
    const list = await api.listNamespacedConfigMap({ namespace });
    assert.equal(list.items.length, 1);
    const body = { ...read, data: { x: '2' } };
    const replaced = await api.replaceNamespacedConfigMap({ namespace, name: 'a', body });
    assert.deepEqual(replaced.data, { x: '2' });
    await assert.rejects(
      api.replaceNamespacedConfigMap({ namespace, name: 'a', body }),
      (error) => error instanceof ApiException && error.code === 409,
    );
    await api.deleteNamespacedConfigMap({ namespace, name: 'a' });
    await assert.rejects(
      api.readNamespacedConfigMap({ namespace, name: 'a' }),
      (error) => error instanceof ApiException && error.code === 404,
    );
  });

  it('finds kinds by discovery, and patches', async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'b', namespace: 'default' },
      data: { x: '1' },
    };
    await api.create(object);
    const patched: V1ConfigMap = await api.patch({ ...object, data: { y: '2' } });
    assert.deepEqual(patched.data, { x: '1', y: '2' });
    await api.delete(object);
  });

  it('keeps an informer up to date', async () => {
    const api = config.makeApiClient(CoreV1Api);
    const namespace = 'default';
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, () =>
      api.listNamespacedSecret({ namespace }),
    );
    await api.createNamespacedSecret({ namespace, body: { metadata: { name: 'before' } } });
    await informer.start();
    await api.createNamespacedSecret({ namespace, body: { metadata: { name: 'after' } } });
    await eventually('the new secret', () => informer.get('after', namespace) !== undefined);
    await api.deleteNamespacedSecret({ namespace, name: 'before' });
    await eventually('one secret less', () => informer.list(namespace).length === 1);
    await informer.stop();
  });
});
