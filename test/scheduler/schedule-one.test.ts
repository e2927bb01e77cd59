import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../scheduler/cache/pod-info.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { fitErrorMessage } from '../../scheduler/diagnosis.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import type { ConfiguredPlugin } from '../../scheduler/framework/plugin.ts';
import { decide, feasibleNodesWanted } from '../../scheduler/schedule-one.ts';
import { selectNode } from '../../scheduler/select-node.ts';
import { newContainer, newNode, newPod } from '../support/scheduling-objects.ts';

const noRequests = {
  client: {
    request: async () => {
      throw new Error('A decision asks nobody');
    },
  },
  peersOf: () => undefined,
  namespaceLabels: () => ({}),
};
const framework = new Framework('default-scheduler', defaultProfile(noRequests));
const OPTIONS = {
  startIndex: 0,
  percentageOfNodesToScore: 0,
  tieBreak: { kind: 'heap135' },
} as const;

function cacheOf(nodes: readonly Node[], pods: readonly Pod[] = []): SchedulerCache {
  const cache = new SchedulerCache();
  for (const node of nodes) cache.setNode(node);
  for (const pod of pods) cache.setPod(pod);
  return cache;
}

function decideOn(cache: SchedulerCache, pod: Pod) {
  return decide(framework, cache.snapshot(), newPodInfo(pod), OPTIONS);
}

function messageOf(cache: SchedulerCache, pod: Pod): string {
  const decision = decideOn(cache, pod);
  assert.equal(decision.kind, 'none');
  return decision.kind === 'none' ? fitErrorMessage(decision.diagnosis) : '';
}

const cpu = (amount: string) => ({ containers: [newContainer({ cpu: amount })] });

describe('decide', () => {
  it('takes the emptier node', () => {
    const busy = newPod('busy', { ...cpu('2'), nodeName: 'n1' });
    const cache = cacheOf([newNode('n1'), newNode('n2')], [busy]);
    const decision = decideOn(cache, newPod('p', cpu('1')));
    assert.equal(decision.kind === 'node' && decision.nodeName, 'n2');
  });

  it('says why there is none, in kube-scheduler’s words', () => {
    const nodes = [
      newNode('n1', { cpu: '1' }),
      newNode('n2', {}, { spec: { unschedulable: true } }),
      newNode('n3', { cpu: '1' }),
    ];
    assert.equal(
      messageOf(cacheOf(nodes), newPod('p', cpu('2'))),
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    );
    assert.equal(messageOf(cacheOf([]), newPod('p')), 'no nodes available to schedule pods');
    const nameless = {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['n9'] }],
              },
            ],
          },
        },
      },
    };
    assert.equal(
      messageOf(cacheOf(nodes), newPod('p', nameless)),
      "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
  });

  it('sorts reasons as texts: 10 before 2', () => {
    const nodes = Array.from({ length: 12 }, (_, index) =>
      newNode(`n${index}`, { cpu: '1' }, index < 2 ? { spec: { unschedulable: true } } : {}),
    );
    assert.equal(
      messageOf(cacheOf(nodes), newPod('p', cpu('2'))),
      '0/12 nodes are available: 10 Insufficient cpu, 2 node(s) were unschedulable. preemption: 0/12 nodes are available: 12 Preemption is not helpful for scheduling.',
    );
  });

  it('fails the cycle when a plugin fails, and names it', () => {
    const broken: ConfiguredPlugin = {
      plugin: {
        name: 'Broken',
        filter: () => {
          throw new Error('boom');
        },
      },
    };
    const own = new Framework('x', [...defaultProfile(noRequests), broken]);
    const cache = cacheOf([newNode('n1')]);
    const decision = decide(own, cache.snapshot(), newPodInfo(newPod('p')), OPTIONS);
    assert.ok(decision.kind === 'error');
    assert.equal(decision.status.plugin, 'Broken');
    assert.deepEqual(decision.status.reasons, ['boom']);
  });

  it('never overcommits a node or a port, and finds a node whenever one fits', () => {
    const podArbitrary = fc.record({
      cpu: fc.integer({ min: 0, max: 1500 }),
      memory: fc.integer({ min: 0, max: 1200 }),
      port: fc.option(fc.integer({ min: 80, max: 82 }), { nil: undefined }),
    });
    const nodeArbitrary = fc.record({
      cpu: fc.integer({ min: 500, max: 2000 }),
      memory: fc.integer({ min: 500, max: 2000 }),
      pods: fc.integer({ min: 1, max: 6 }),
    });
    const run = (
      nodeSizes: readonly { cpu: number; memory: number; pods: number }[],
      podSizes: readonly { cpu: number; memory: number; port: number | undefined }[],
    ): void => {
      const cache = cacheOf(
        nodeSizes.map((size, index) =>
          newNode(`n${index}`, {
            cpu: `${size.cpu}m`,
            memory: `${size.memory}Mi`,
            pods: String(size.pods),
          }),
        ),
      );
      const left = nodeSizes.map((size) => ({ ...size, ports: new Set<number>() }));
      for (const size of podSizes) {
        const requests = { cpu: `${size.cpu}m`, memory: `${size.memory}Mi` };
        const ports = size.port === undefined ? [] : [{ containerPort: 1, hostPort: size.port }];
        const pod = newPodInfo(newPod('p', { containers: [newContainer(requests, { ports })] }));
        const decision = decide(framework, cache.snapshot(), pod, OPTIONS);
        const fits = left.map(
          (node) =>
            node.cpu >= size.cpu &&
            node.memory >= size.memory &&
            node.pods >= 1 &&
            !(size.port !== undefined && node.ports.has(size.port)),
        );
        if (decision.kind !== 'node') {
          assert.ok(!fits.includes(true), 'A node fits, but none was chosen');
          continue;
        }
        const index = Number(decision.nodeName.slice(1));
        assert.equal(fits[index], true, 'The chosen node has no room');
        const node = left[index];
        assert.ok(node !== undefined);
        node.cpu -= size.cpu;
        node.memory -= size.memory;
        node.pods -= 1;
        if (size.port !== undefined) node.ports.add(size.port);
        cache.assumePod(pod, decision.nodeName);
      }
    };
    fc.assert(
      fc.property(
        fc.array(nodeArbitrary, { minLength: 1, maxLength: 5 }),
        fc.array(podArbitrary, { maxLength: 25 }),
        run,
      ),
    );
  });
});

describe('feasibleNodesWanted', () => {
  it('is upstream’s', () => {
    const cases = [
      [50, 50],
      [100, 100],
      [200, 100],
      [1000, 420],
      [5000, 500],
      [6000, 300],
    ];
    for (const [nodes = 0, wanted] of cases) assert.equal(feasibleNodesWanted(nodes, 0), wanted);
    assert.equal(feasibleNodesWanted(1000, 30), 300);
  });
});

describe('selectNode', () => {
  const names = ['d', 'b', 'a', 'c'];

  it('breaks ties as told', () => {
    const totals = [5, 7, 7, 7];
    const select = (tieBreak: Parameters<typeof selectNode>[2]) =>
      names[selectNode(names, totals, tieBreak)];
    assert.equal(select({ kind: 'first' }), 'b');
    assert.equal(select({ kind: 'name' }), 'a');
    assert.equal(select({ kind: 'random', random: () => 0 }), 'c');
    assert.equal(select({ kind: 'random', random: () => 0.99 }), 'b');
    assert.equal(names[selectNode(names, [7, 7, 7, 7], { kind: 'heap135' })], 'd');
  });

  it('always takes a highest one', () => {
    const kinds = [
      { kind: 'first' },
      { kind: 'name' },
      { kind: 'heap135' },
      { kind: 'random', random: () => 0.5 },
    ] as const;
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }), (totals) => {
        const all = totals.map((_, index) => `n${index}`);
        for (const tieBreak of kinds) {
          assert.equal(totals[selectNode(all, totals, tieBreak)], Math.max(...totals));
        }
      }),
    );
  });
});
