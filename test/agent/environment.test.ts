import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ConfigError,
  containerEnvironment,
} from '../../agent/environment/container-environment.ts';
import { expand } from '../../agent/environment/expand.ts';
import { fieldValue, resourceFieldValue } from '../../agent/environment/field-value.ts';
import { serviceEnvironment } from '../../agent/environment/service-links.ts';
import type { ConfigMap, Container, Secret, Service } from '../../proto/api/gen/core-v1.ts';
import { newContainer, newPod } from './pod-builder.ts';

const allocatable = { cpuMilli: 2000, memoryBytes: 2 ** 30 };
const metadata = newPod().metadata;

const settings: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...metadata, name: 'settings' },
  data: { a: '1', b: '2' },
};
const keys: Secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { ...metadata, name: 'keys' },
  data: { token: Buffer.from('hush').toString('base64') },
};

function service(name: string, namespace: string, more: Partial<Service['spec']> = {}): Service {
  const spec = { clusterIP: '10.96.0.7', ports: [{ port: 80, name: 'http' }], ...more };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name, namespace },
    spec,
    status: {},
  };
}

async function environmentOf(container: Partial<Container>, services: readonly Service[] = []) {
  const variables = await containerEnvironment({
    pod: { ...newPod(), status: { podIP: '10.0.0.5', hostIP: '10.1.0.2' } },
    container: newContainer('app', container),
    services,
    references: {
      configMap: async (_namespace, name) => (name === 'settings' ? settings : undefined),
      secret: async (_namespace, name) => (name === 'keys' ? keys : undefined),
    },
    allocatable,
  });
  return Object.fromEntries(variables);
}

describe('expand', () => {
  it('replaces what is known and leaves the rest', () => {
    const lookup = (name: string): string | undefined => ({ A: 'x', B: 'y' })[name];
    assert.equal(expand('$(A)-$(B)-$(C)', lookup), 'x-y-$(C)');
    assert.equal(expand('$$(A) $$$(A) $A $', lookup), '$(A) $x $A $');
    assert.equal(expand('$(A', lookup), '$(A');
    assert.equal(expand('$()', lookup), '$()');
  });
});

describe('containerEnvironment', () => {
  it('resolves references, in order', async () => {
    const env = await environmentOf({
      envFrom: [
        { prefix: 'S_', configMapRef: { name: 'settings' } },
        { secretRef: { name: 'keys' } },
      ],
      env: [
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'ONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } },
        { name: 'URL', value: 'http://$(IP)/$(S_b)/$(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'no', key: 'a', optional: true } } },
      ],
    });
    assert.deepEqual(env, {
      ...{ S_a: '1', S_b: '2', token: 'hush', NAME: 'web', IP: '10.0.0.5', ONE: '1' },
      ...{ URL: 'http://10.0.0.5/2/$(LATER)', LATER: 'x' },
    });
  });

  it('names what is missing', async () => {
    const fail = async (container: Partial<Container>, message: string): Promise<void> => {
      await assert.rejects(environmentOf(container), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.message, message);
        return true;
      });
    };
    await fail({ envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found');
    await fail({ envFrom: [{ secretRef: { name: 'no' } }] }, 'secret "no" not found');
    const key = { name: 'keys', key: 'no' };
    const text = "couldn't find key no in Secret default/keys";
    await fail({ env: [{ name: 'A', valueFrom: { secretKeyRef: key } }] }, text);
    const fieldRef = { fieldPath: 'spec.no' };
    await fail({ env: [{ name: 'A', valueFrom: { fieldRef } }] }, 'unsupported fieldPath: spec.no');
  });

  it("does not let service links override the pod's own", async () => {
    const env = await environmentOf({ env: [{ name: 'DB_SERVICE_HOST', value: 'mine' }] }, [
      service('db', 'default'),
    ]);
    assert.equal(env.DB_SERVICE_HOST, 'mine');
    assert.equal(env.DB_SERVICE_PORT, '80');
  });
});

describe('serviceEnvironment', () => {
  it('links the services of the namespace, and kubernetes', () => {
    const services = [
      service('my-db', 'default'),
      service('other', 'elsewhere'),
      service('headless', 'default', { clusterIP: 'None' }),
      service('kubernetes', 'default', { clusterIP: '10.96.0.1', ports: [{ port: 443 }] }),
    ];
    const env = serviceEnvironment(newPod(), services);
    assert.equal(env.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
    assert.equal(env.get('KUBERNETES_SERVICE_PORT'), '443');
    assert.equal(env.get('MY_DB_SERVICE_PORT_HTTP'), '80');
    assert.equal(env.get('MY_DB_PORT'), 'tcp://10.96.0.7:80');
    assert.equal(env.get('MY_DB_PORT_80_TCP_ADDR'), '10.96.0.7');
    assert.equal([...env.keys()].filter((name) => /OTHER|HEADLESS/.test(name)).length, 0);
    const without = serviceEnvironment(newPod({ enableServiceLinks: false }), services);
    assert.deepEqual(
      [...without.keys()].filter((name) => name.startsWith('MY_DB')),
      [],
    );
    assert.equal(without.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
  });
});

describe('fieldValue', () => {
  it('knows the downward API', () => {
    const pod = newPod({}, { labels: { app: 'web', tier: 'a"b' }, annotations: { note: 'x' } });
    assert.equal(fieldValue(pod, "metadata.labels['app']"), 'web');
    assert.equal(fieldValue(pod, "metadata.labels['no']"), '');
    assert.equal(fieldValue(pod, 'metadata.labels'), 'app="web"\ntier="a\\"b"');
    assert.equal(fieldValue(pod, "metadata.annotations['note']"), 'x');
    assert.equal(fieldValue(pod, 'spec.nodeName'), 'node-1');
  });

  it('divides and rounds up resources', () => {
    const resources = { limits: { cpu: '1500m', memory: '100Mi' }, requests: { memory: '1k' } };
    const container = newContainer('app', { resources });
    const value = (resource: string, divisor = '0'): string =>
      resourceFieldValue(newPod(), container, { resource, divisor }, allocatable);
    assert.equal(value('limits.cpu'), '2');
    assert.equal(value('limits.cpu', '1m'), '1500');
    assert.equal(value('requests.cpu', '1m'), '1500');
    assert.equal(value('limits.memory', '1Mi'), '100');
    assert.equal(value('requests.memory'), '1000');
    const bare = newContainer('bare');
    const selector = { resource: 'limits.cpu' };
    assert.equal(resourceFieldValue(newPod(), bare, selector, allocatable), '2');
  });
});
