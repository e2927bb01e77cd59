import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lostConditions, NodeHealth } from '../../../controllers/node-lifecycle/node-health.ts';
import { desiredTaints } from '../../../controllers/node-lifecycle/node-taints.ts';
import { evictionOf } from '../../../controllers/node-lifecycle/taint-eviction.ts';
import type { Node, Taint, Toleration } from '../../../proto/api/gen/core-v1.ts';
import { newNode, newPod } from '../../support/scheduling-objects.ts';

const START = '2026-01-01T00:00:00Z';
const NOW = Date.parse(START);

function nodeWith(conditions: Record<string, string>, spec: Node['spec'] = {}): Node {
  const list = Object.entries(conditions).map(([type, status]) => ({ type, status }));
  return newNode('n', {}, { spec, status: { conditions: list } });
}

describe('desiredTaints', () => {
  const taintsOf = (node: Node, mayEvict = true) =>
    desiredTaints(node, mayEvict, NOW)?.map(({ key, effect }) => `${key}:${effect}`);
  const own = (name: string, effect: Taint['effect']): Taint => ({
    key: `node.kubernetes.io/${name}`,
    effect,
  });

  it('follow the conditions', () => {
    assert.equal(taintsOf(nodeWith({ Ready: 'True', DiskPressure: 'False' })), undefined);
    assert.deepEqual(taintsOf(nodeWith({ Ready: 'False' })), [
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
    ]);
    assert.deepEqual(taintsOf(nodeWith({ Ready: 'Unknown' }), false), [
      'node.kubernetes.io/unreachable:NoSchedule',
    ]);
    assert.deepEqual(taintsOf(nodeWith({ MemoryPressure: 'True' }, { unschedulable: true })), [
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });

  it('change to the other reason, and leave taints of others', () => {
    const foreign: Taint = { key: 'example.com/mine', effect: 'NoSchedule' };
    const taints = [own('not-ready', 'NoSchedule'), own('not-ready', 'NoExecute'), foreign];
    assert.deepEqual(taintsOf(nodeWith({ Ready: 'Unknown' }, { taints })), [
      'example.com/mine:NoSchedule',
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    assert.deepEqual(taintsOf(nodeWith({ Ready: 'True' }, { taints })), [
      'example.com/mine:NoSchedule',
    ]);
  });

  it('keep the time since when they are there', () => {
    const old = { ...own('not-ready', 'NoSchedule'), timeAdded: '2025-01-01T00:00:00Z' };
    const taints = desiredTaints(nodeWith({ Ready: 'False' }, { taints: [old] }), true, NOW);
    assert.deepEqual(
      taints?.map(({ timeAdded }) => timeAdded),
      ['2025-01-01T00:00:00Z', START],
    );
  });
});

describe('NodeHealth', () => {
  it('counts from the last new sign of life', () => {
    const health = new NodeHealth();
    assert.equal(health.silenceMs('n', 1_000), 0);
    health.hear('n', 'a', 1_000);
    health.hear('n', 'a', 5_000);
    assert.equal(health.silenceMs('n', 6_000), 5_000);
    health.hear('n', 'b', 6_000);
    assert.equal(health.silenceMs('n', 6_500), 500);
    health.forgive('n', 8_000);
    health.hear('n', 'b', 8_200);
    assert.equal(health.silenceMs('n', 8_500), 500, 'The old sign is no news');
    health.forget('n');
    assert.equal(health.silenceMs('n', 9_000), 0);
  });
});

describe('lostConditions', () => {
  it('makes what was reported Unknown, and what never was too, once', () => {
    const node = nodeWith({ Ready: 'True', MemoryPressure: 'False', Custom: 'True' });
    const conditions = lostConditions(node, NOW) ?? [];
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['Ready', 'Unknown', 'NodeStatusUnknown'],
        ['MemoryPressure', 'Unknown', 'NodeStatusUnknown'],
        ['Custom', 'True', undefined],
        ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
        ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ],
    );
    assert.equal(lostConditions({ ...node, status: { conditions } }, NOW), undefined);
  });
});

describe('evictionOf', () => {
  const taint: Taint = { key: 'k', effect: 'NoExecute', timeAdded: START };
  const exists = (more: Partial<Toleration> = {}): Toleration => ({
    key: 'k',
    operator: 'Exists',
    ...more,
  });
  const cases: [string, Toleration[], Taint[], number | undefined][] = [
    ['no taint', [], [], undefined],
    ['a taint of another effect', [], [{ key: 'k', effect: 'NoSchedule' }], undefined],
    ['no toleration', [], [taint], 0],
    ['tolerated for ever', [exists()], [taint], undefined],
    ['for a while', [exists({ tolerationSeconds: 30 })], [taint], 20_000],
    ['for a while that is over', [exists({ tolerationSeconds: 5 })], [taint], 0],
    ['for no time', [exists({ tolerationSeconds: -1 })], [taint], 0],
    [
      'the shortest of several',
      [exists({ tolerationSeconds: 30 }), exists({ tolerationSeconds: 15 })],
      [taint],
      5_000,
    ],
    ['one of two taints', [exists()], [taint, { key: 'j', effect: 'NoExecute' }], 0],
  ];
  for (const [what, tolerations, taints, afterMs] of cases) {
    it(what, () => {
      const eviction = evictionOf(newPod('p', { tolerations }), taints, NOW + 10_000);
      const expected = afterMs === undefined ? { kind: 'stays' } : { kind: 'leaves', afterMs };
      assert.deepEqual(eviction, expected);
    });
  }
});
