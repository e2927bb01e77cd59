import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cpuQuota,
  cpuShares,
  oomScoreAdj,
  podCgroupLimits,
  podCgroupPath,
  qosClass,
} from '../../agent/pod/qos.ts';
import type { Container } from '../../proto/api/gen/core-v1.ts';
import { newContainer, newPod } from './pod-builder.ts';

type Amounts = Readonly<Record<string, string>>;

function container(requests: Amounts, limits: Amounts, name = 'app'): Container {
  return newContainer(name, { resources: { requests, limits } });
}

describe('qosClass', () => {
  it('is by requests and limits of all containers', () => {
    const classOf = (...containers: Container[]): string => qosClass(newPod({ containers }));
    assert.equal(classOf(newContainer('app')), 'BestEffort');
    assert.equal(classOf(container({ cpu: '0' }, {})), 'BestEffort');
    assert.equal(classOf(container({}, { cpu: '1', memory: '1Gi' })), 'Guaranteed');
    assert.equal(classOf(container({ cpu: '1000m' }, { cpu: '1', memory: '1Gi' })), 'Guaranteed');
    assert.equal(classOf(container({ cpu: '500m' }, { cpu: '1', memory: '1Gi' })), 'Burstable');
    assert.equal(classOf(container({}, { cpu: '1' })), 'Burstable');
    assert.equal(
      classOf(container({}, { cpu: '1', memory: '1Gi' }), newContainer('b')),
      'Burstable',
    );
  });
});

describe('cgroup numbers', () => {
  it('turns milli CPUs into shares and quota', () => {
    assert.equal(cpuShares(undefined), 2);
    assert.equal(cpuShares(1), 2);
    assert.equal(cpuShares(1000), 1024);
    assert.equal(cpuShares(250), 256);
    assert.equal(cpuQuota(undefined), 0);
    assert.equal(cpuQuota(5), 1000);
    assert.equal(cpuQuota(1500), 150_000);
  });

  it('sums over containers; a limit needs all to have one', () => {
    const both = newPod({
      containers: [
        container({ cpu: '100m' }, { cpu: '200m', memory: '10Mi' }, 'a'),
        container({ cpu: '300m' }, { cpu: '300m', memory: '20Mi' }, 'b'),
      ],
    });
    const memoryBytes = 30 * 1024 * 1024;
    assert.deepEqual(podCgroupLimits(both), { cpuShares: 409, cpuQuotaUs: 50_000, memoryBytes });
    const one = newPod({ containers: [container({}, { cpu: '1' }), newContainer('b')] });
    assert.deepEqual(podCgroupLimits(one), { cpuShares: 1024, cpuQuotaUs: 0, memoryBytes: 0 });
  });

  it('counts init containers once and sidecars always', () => {
    const sidecar = { ...container({ cpu: '100m' }, {}, 's'), restartPolicy: 'Always' };
    const pod = newPod({
      initContainers: [sidecar, container({ cpu: '500m' }, {}, 'i')],
      containers: [container({ cpu: '200m' }, {})],
    });
    assert.equal(podCgroupLimits(pod).cpuShares, cpuShares(600));
  });

  it('places pods by their class', () => {
    assert.equal(podCgroupPath('/skiff/a/n', 'Guaranteed', 'u'), '/skiff/a/n/kubepods/podu');
    assert.equal(podCgroupPath('/', 'BestEffort', 'u'), '/kubepods/besteffort/podu');
  });

  it('scores by class and request', () => {
    const score = (each: Container): number =>
      oomScoreAdj(newPod({ containers: [each] }), each, 1024 ** 3);
    assert.equal(score(newContainer('app')), 1000);
    assert.equal(score(container({}, { cpu: '1', memory: '1Gi' })), -997);
    assert.equal(score(container({ memory: '512Mi' }, {})), 500);
    assert.equal(score(container({ memory: '1Ki' }, {})), 999);
    assert.equal(score(container({ memory: '2Gi' }, {})), 3);
  });
});
