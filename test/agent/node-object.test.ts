import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  newNode,
  nodeConditions,
  nodeStatus,
  nodeVerdicts,
  type Pressure,
} from '../../agent/node/node-object.ts';
import { parseRoutes, wantedRoutes } from '../../agent/node/node-routes.ts';
import type { Node } from '../../proto/api/gen/core-v1.ts';
import { newPod } from './pod-builder.ts';

const facts = {
  ...{ name: 'node-1', ip: '10.1.0.2', port: 10250, podCidr: '10.244.1.0/24', maxPods: 110 },
  ...{ cpuMilli: 500, memoryBytes: 2 ** 30, ephemeralStorageBytes: 2 ** 40 },
  ...{ machineId: 'm', systemUuid: 's', bootId: 'b', kernelVersion: '6.1', osImage: 'Debian' },
  ...{ architecture: 'amd64', runtimeVersion: 'skiff://0.1.0' },
};
const relaxed: Pressure = {
  ...{ memoryAvailableBytes: 2 ** 30, diskAvailableBytes: 50, diskTotalBytes: 100 },
  ...{ inodesFree: 50, inodesTotal: 100, processes: 10, processesMax: 1000 },
};

describe('nodeStatus', () => {
  it('says what the flags and the machine give', () => {
    const status = nodeStatus(facts);
    assert.deepEqual(status.capacity, {
      ...{ cpu: '500m', memory: '1048576Ki', pods: '110' },
      'ephemeral-storage': '1073741824Ki',
    });
    assert.deepEqual(status.addresses, [
      { type: 'InternalIP', address: '10.1.0.2' },
      { type: 'Hostname', address: 'node-1' },
    ]);
    assert.equal(nodeStatus({ ...facts, cpuMilli: 2000 }).capacity?.cpu, '2');
    assert.deepEqual(newNode(facts).spec?.podCIDRs, ['10.244.1.0/24']);
  });
});

describe('nodeVerdicts', () => {
  const statusOf = (pressure: Pressure, problems: readonly string[] = []) =>
    Object.fromEntries(
      nodeVerdicts(pressure, { problems }).map(({ type, status }) => [type, status]),
    );

  it('is Ready without pressure', () => {
    const none = { MemoryPressure: false, DiskPressure: false, PIDPressure: false };
    assert.deepEqual(statusOf(relaxed), { ...none, Ready: true });
  });

  it('has the thresholds of the kubelet', () => {
    assert.equal(statusOf({ ...relaxed, memoryAvailableBytes: 2 ** 26 }).MemoryPressure, true);
    assert.equal(statusOf({ ...relaxed, diskAvailableBytes: 9 }).DiskPressure, true);
    assert.equal(statusOf({ ...relaxed, inodesFree: 4 }).DiskPressure, true);
    assert.equal(statusOf({ ...relaxed, processes: 950 }).PIDPressure, true);
    assert.equal(statusOf(relaxed, ['container runtime is down']).Ready, false);
  });

  it('keeps the time of what has not turned', () => {
    const verdicts = nodeVerdicts(relaxed, { problems: [] });
    const first = nodeConditions(verdicts, [], 'then');
    const second = nodeConditions(nodeVerdicts(relaxed, { problems: ['x'] }), first, 'now');
    const times = second.map(({ type, lastTransitionTime }) => `${type} ${lastTransitionTime}`);
    assert.deepEqual(times, [
      ...['MemoryPressure then', 'DiskPressure then', 'PIDPressure then', 'Ready now'],
    ]);
  });
});

describe('routes', () => {
  it('lead to the pods of the other nodes', () => {
    const node = (name: string, ip: string, podCIDR?: string): Node => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...newPod().metadata, name },
      spec: podCIDR === undefined ? {} : { podCIDR },
      status: { addresses: [{ type: 'InternalIP', address: ip }] },
    });
    const nodes = [
      node('node-1', '10.1.0.2', '10.244.1.0/24'),
      node('node-2', '10.1.0.3', '10.244.2.0/24'),
      node('node-3', '10.1.0.4'),
    ];
    assert.deepEqual([...wantedRoutes(nodes, 'node-1')], [['10.244.2.0/24', '10.1.0.3']]);
  });

  it('are read from ip route', () => {
    const text = '10.244.2.0/24 via 10.1.0.3 dev eth0 \n10.244.3.0/24 via 10.1.0.4 dev eth0 \n';
    assert.equal(parseRoutes(text).get('10.244.3.0/24'), '10.1.0.4');
    assert.equal(parseRoutes('').size, 0);
  });
});
