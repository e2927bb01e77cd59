import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deploymentStrategy } from '../../../../../apiserver/registry/strategies/deployments.ts';
import { podStrategy } from '../../../../../apiserver/registry/strategies/pods/strategy.ts';
import { created, createProblems } from '../strategy-cases.ts';

const container = { name: 'c', image: 'web:1' };

describe('fields that nothing honours yet', () => {
  it('are named in warnings', () => {
    const spec = {
      containers: [{ ...container, resources: { limits: { 'ephemeral-storage': '1Gi' } } }],
      setHostnameAsFQDN: true,
    };
    assert.deepEqual(podStrategy.warnings?.(created(podStrategy, { spec })), [
      'spec.setHostnameAsFQDN: stored, but it has no effect yet',
      'spec.containers[0].resources.limits.ephemeral-storage: stored, but it has no effect yet',
    ]);
  });

  it('are named in templates too', () => {
    const template = { spec: { containers: [container], subdomain: 'x' } };
    const deployment = created(deploymentStrategy, { spec: { template } });
    assert.deepEqual(deploymentStrategy.warnings?.(deployment), [
      'spec.template.spec.subdomain (in cluster DNS): stored, but it has no effect yet',
    ]);
  });

  it('are not named when they are not used', () => {
    const pod = created(podStrategy, { spec: { containers: [container] } });
    assert.deepEqual(podStrategy.warnings?.(pod), []);
  });

  it('are refused where that would be dangerous, or could never start', () => {
    const spec = {
      securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } },
      containers: [
        { ...container, ports: [{ containerPort: 80, hostPort: 8080 }] },
        { ...container, name: 'd', readinessProbe: { grpc: { port: 1 } } },
      ],
    };
    assert.deepEqual(createProblems(podStrategy, { spec }), [
      'spec.securityContext.appArmorProfile (Localhost): Forbidden: not supported yet',
      'spec.containers[0].ports[0].hostPort: Forbidden: not supported yet, except in pods with hostNetwork',
      'spec.containers[1].readinessProbe.grpc: Forbidden: not supported yet',
    ]);
  });

  it('are taken in the network of the node', () => {
    const spec = {
      hostNetwork: true,
      containers: [{ ...container, ports: [{ containerPort: 80 }] }],
    };
    assert.deepEqual(createProblems(podStrategy, { spec }), []);
  });
});
