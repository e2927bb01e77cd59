import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podStrategy } from '../../../../../apiserver/registry/strategies/pods/strategy.ts';
import { created } from '../strategy-cases.ts';

const container = { name: 'c', image: 'web:1' };
const containerDefaults = {
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: {},
};

describe('defaults of pods', () => {
  it('fills in a minimal pod', () => {
    const pod = created(podStrategy, { spec: { containers: [container] } });
    assert.deepEqual(pod.spec, {
      containers: [{ ...container, ...containerDefaults }],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
    assert.deepEqual(pod.status, { phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('changes nothing the second time', () => {
    const pod = created(podStrategy, {
      spec: {
        hostNetwork: true,
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80 }],
            livenessProbe: { httpGet: { port: 80 } },
          },
        ],
        volumes: [{ name: 'v' }],
      },
    });
    const before = structuredClone(pod);
    podStrategy.setDefaults?.(pod);
    assert.deepEqual(pod, before);
  });

  for (const [image, policy] of [
    ['web', 'Always'],
    ['web:latest', 'Always'],
    ['registry.example:5000/web', 'Always'],
    ['registry.example:5000/web:1', 'IfNotPresent'],
    ['web@sha256:abc', 'IfNotPresent'],
  ]) {
    it(`pulls ${image} ${policy}`, () => {
      const pod = created(podStrategy, { spec: { containers: [{ name: 'c', image }] } });
      const [first] = (pod.spec?.containers ?? []) as { imagePullPolicy: string }[];
      assert.equal(first?.imagePullPolicy, policy);
    });
  }

  it('fills in ports, probes, requests and references', () => {
    const pod = created(podStrategy, {
      spec: {
        serviceAccount: 'robot',
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 } },
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
            env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          },
        ],
      },
    });
    assert.equal(pod.spec?.serviceAccountName, 'robot');
    assert.deepEqual(pod.status, { phase: 'Pending', qosClass: 'Burstable' });
    const [first] = (pod.spec?.containers ?? []) as Record<string, unknown>[];
    assert.deepEqual(first, {
      ...container,
      ...containerDefaults,
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      readinessProbe: {
        httpGet: { port: 80, path: '/', scheme: 'HTTP' },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
      resources: {
        limits: { cpu: '1', memory: '1Gi' },
        requests: { cpu: '500m', memory: '1Gi' },
      },
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name', apiVersion: 'v1' } } },
      ],
    });
  });

  it('fills in volumes', () => {
    const pod = created(podStrategy, {
      spec: {
        containers: [container],
        volumes: [
          { name: 'a' },
          { name: 'b', secret: { secretName: 's' } },
          { name: 'c', hostPath: { path: '/x' } },
          { name: 'd', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
        ],
      },
    });
    assert.deepEqual(pod.spec?.volumes, [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'c', hostPath: { path: '/x', type: '' } },
      {
        name: 'd',
        projected: {
          defaultMode: 420,
          sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }],
        },
      },
    ]);
  });

  const half = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '0.5', memory: '1Gi' } };
  for (const [name, resources, qosClass] of [
    ['limits only', { limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    ['limits and less requested', half, 'Burstable'],
    ['cpu limit only', { limits: { cpu: '1' } }, 'Burstable'],
    ['zero requests', { requests: { cpu: '0' } }, 'BestEffort'],
  ] as const) {
    it(`gives ${name} the class ${qosClass}`, () => {
      const pod = created(podStrategy, { spec: { containers: [{ ...container, resources }] } });
      assert.equal(pod.status?.qosClass, qosClass);
    });
  }

  it('begins gated pods as not schedulable', () => {
    const spec = { containers: [container], schedulingGates: [{ name: 'example.com/wait' }] };
    const pod = created(podStrategy, { spec });
    const [condition] = (pod.status?.conditions ?? []) as { reason: string }[];
    assert.equal(condition?.reason, 'SchedulingGated');
  });
});
