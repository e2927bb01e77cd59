import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressPool } from '../../../lab/simulated-nodes/address-pool.ts';
import { DueKeys } from '../../../lab/simulated-nodes/due-keys.ts';
import {
  newSimulatedNode,
  simulatedNodeNames,
  simulatedNodeStatus,
} from '../../../lab/simulated-nodes/node-form.ts';
import {
  capacityText,
  DEFAULT_CAPACITY,
  readCapacity,
} from '../../../lab/simulated-nodes/settings.ts';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const SETTINGS = {
  count: 5,
  capacity: { ...DEFAULT_CAPACITY, cpu: '8' },
  zones: 2,
  isTainted: true,
};
const NOW = Date.parse('2026-01-01T00:00:00Z');

function made(more: Partial<Node> = {}): Node {
  const { metadata, spec } = newSimulatedNode('sim-2', 1, SETTINGS);
  const own = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  return {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: { ...metadata, ...own, name: 'sim-2' },
    spec,
    status: {},
    ...more,
  } as Node;
}

describe('a simulated node', () => {
  it('has a name, a zone in turn, a taint and what the flags say', () => {
    assert.deepEqual(simulatedNodeNames(SETTINGS), ['sim-1', 'sim-2', 'sim-3', 'sim-4', 'sim-5']);
    const zones = simulatedNodeNames(SETTINGS).map((name, index) => {
      const { labels } = newSimulatedNode(name, index, SETTINGS).metadata;
      assert.equal(labels?.['kubernetes.io/hostname'], name);
      return labels?.['topology.kubernetes.io/zone'];
    });
    assert.deepEqual(zones, ['zone-1', 'zone-2', 'zone-1', 'zone-2', 'zone-1']);
    assert.equal(made().spec?.taints?.[0]?.key, 'kwok.x-k8s.io/node');
    assert.equal(made().spec?.podCIDR, undefined, 'No agent routes to it');
    const free = newSimulatedNode('sim-1', 0, { ...SETTINGS, isTainted: false });
    assert.equal(free.spec?.taints, undefined);
  });

  it('is written once, and again when somebody says that it is lost', () => {
    const status = simulatedNodeStatus(made(), NOW, () => '100.64.0.9');
    assert.equal(status?.allocatable?.cpu, '8');
    assert.equal(status?.allocatable?.pods, '110');
    const written = made({ status: status ?? {} });
    const never = (): string => assert.fail('It has an address');
    assert.equal(simulatedNodeStatus(written, NOW + 60_000, never), undefined);
    const conditions = (status?.conditions ?? []).map((one) =>
      one.type === 'Ready' ? { ...one, status: 'Unknown' as const } : one,
    );
    const lost = made({ status: { ...status, conditions } });
    const again = simulatedNodeStatus(lost, NOW + 60_000, never);
    const ready = again?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.status, 'True');
    assert.equal(ready?.lastTransitionTime, '2026-01-01T00:01:00Z');
    assert.equal(again?.addresses?.[0]?.address, '100.64.0.9');
  });

  it('keeps what its status has, and has the defaults when its annotation can not be read', () => {
    const capacity = { cpu: '1', memory: '1Gi', pods: '5' };
    assert.deepEqual(
      simulatedNodeStatus(made({ status: { capacity } }), NOW, () => '')?.allocatable,
      capacity,
    );
    const { metadata } = made();
    const annotations = { 'lab.skiff.dev/capacity': 'much' };
    const odd = made({ metadata: { ...metadata, annotations } });
    assert.deepEqual(simulatedNodeStatus(odd, NOW, () => '')?.capacity, DEFAULT_CAPACITY);
  });
});

describe('capacity', () => {
  it('is read over the defaults, and written back', () => {
    const read = readCapacity('cpu=8,nvidia.com/gpu=4');
    assert.deepEqual(read, { ...DEFAULT_CAPACITY, cpu: '8', 'nvidia.com/gpu': '4' });
    assert.ok(typeof read !== 'string');
    assert.deepEqual(readCapacity(capacityText(read)), read);
  });

  for (const text of ['', 'cpu', 'cpu=', 'cpu=many', 'cpu=-1', 'cpu=1,']) {
    it(`refuses "${text}"`, () => assert.equal(typeof readCapacity(text), 'string'));
  }
});

describe('made-up addresses', () => {
  it('are given once, and not those that somebody has', () => {
    const pool = new AddressPool();
    pool.note('100.64.0.2');
    pool.note('10.0.0.1');
    pool.note('no address');
    const taken = Array.from({ length: 300 }, () => pool.take());
    assert.deepEqual(taken.slice(0, 3), ['100.64.0.1', '100.64.0.3', '100.64.0.4']);
    assert.equal(taken.at(-1), '100.64.1.45');
    assert.equal(new Set(taken).size, 300);
    pool.release('100.64.0.1');
    assert.equal(pool.take(), '100.64.1.46', 'What was put back comes late');
  });
});

describe('due keys', () => {
  it('come in the order of their times, on one timer', async () => {
    const clock = new FakeClock();
    const got: string[] = [];
    let timers = 0;
    const counted = {
      ...{ wallMs: () => clock.wallMs(), monotonicMs: () => clock.monotonicMs() },
      after: clock.after.bind(clock),
      schedule: (ms: number, callback: () => void) => {
        timers += 1;
        return clock.schedule(ms, callback);
      },
    };
    const due = new DueKeys(counted, (key) => got.push(key));
    for (let index = 1; index <= 1_000; index += 1) due.set(`k${index}`, index);
    assert.equal(timers, 1);
    due.set('k5', 2_000);
    due.delete('k3');
    await clock.advance(6);
    assert.deepEqual(got, ['k1', 'k2', 'k4', 'k6']);
    await clock.advance(2_000);
    assert.equal(got.at(-1), 'k5');
    assert.equal(got.length, 999);
    assert.equal(due.size, 0);
    due.close();
  });
});
