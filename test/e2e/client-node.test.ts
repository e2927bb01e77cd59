/** The JavaScript client of the Kubernetes project, as a foreign client. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  makeInformer,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { eventually } from '../support/eventually.ts';
import { TestLab } from '../support/test-lab.ts';

describe('@kubernetes/client-node', () => {
  const lab = new TestLab();
  let config: KubeConfig;
  let core: CoreV1Api;

  before(async () => {
    await lab.up('--nodes', '1');
    const { KubeConfig: Config } = await import('@kubernetes/client-node');
    config = new Config();
    config.loadFromFile(lab.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => lab.down());

  const map = (name: string, data: Record<string, string>): V1ConfigMap => ({
    metadata: { name },
    data,
  });

  it('creates, reads, replaces, lists and deletes', async () => {
    const namespace = 'default';
    await core.createNamespacedConfigMap({ namespace, body: map('a', { n: '1' }) });
    const read = await core.readNamespacedConfigMap({ namespace, name: 'a' });
    assert.equal(read.data?.n, '1');
    const body = { ...read, data: { n: '2' } };
    await core.replaceNamespacedConfigMap({ namespace, name: 'a', body });
    await assert.rejects(core.replaceNamespacedConfigMap({ namespace, name: 'a', body }), {
      code: 409,
    });
    const list = await core.listNamespacedConfigMap({ namespace });
    assert.ok(list.items.some((item) => item.metadata?.name === 'a'));
    await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
    await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'a' }), { code: 404 });
  });

  it('follows changes with a watch', async () => {
    const seen: string[] = [];
    const watch = new Watch(config);
    const controller = await watch.watch(
      '/api/v1/namespaces/default/configmaps',
      { fieldSelector: 'metadata.name=w' },
      (type: string) => void seen.push(type),
      () => undefined,
    );
    await core.createNamespacedConfigMap({ namespace: 'default', body: map('w', { n: '1' }) });
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'w' });
    await eventually('both changes', () => seen.join() === 'ADDED,DELETED');
    controller.abort();
  });

  it('keeps an informer', async () => {
    const list = () => core.listNamespacedConfigMap({ namespace: 'default' });
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', list);
    informer.on('error', () => undefined);
    await informer.start();
    await core.createNamespacedConfigMap({ namespace: 'default', body: map('i', { n: '1' }) });
    await eventually('the informer has it', () => informer.get('i', 'default') !== undefined);
    await informer.stop();
  });

  it('makes a deployment that becomes available', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'node-client' };
    await apps.createNamespacedDeployment({
      namespace: 'default',
      body: {
        metadata: { name: 'node-client' },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 0,
              containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '1000'] }],
            },
          },
        },
      },
    });
    await eventually('two replicas are available', async () => {
      const read = await apps.readNamespacedDeployment({
        namespace: 'default',
        name: 'node-client',
      });
      return read.status?.availableReplicas === 2;
    });
  });
});
