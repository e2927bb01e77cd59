/**
 * Decisions with everything that is kept from one pod to the next, against the same decisions by a
 * scheduler that keeps nothing and counts everything each time: random clusters and pods, while nodes and pods come, change and go.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod, PodSpec } from '../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../../scheduler/cache/cache.ts';
import type { NodeInfo } from '../../scheduler/cache/node-info.ts';
import { newPodInfo } from '../../scheduler/cache/pod-info.ts';
import type { Snapshot } from '../../scheduler/cache/snapshot.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { fitErrorMessage } from '../../scheduler/diagnosis.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import type { ConfiguredPlugin } from '../../scheduler/framework/plugin.ts';
import { newPeerSelector } from '../../scheduler/peer-selector.ts';
import { type Decision, decide } from '../../scheduler/schedule-one.ts';
import { seededRandom } from '../../scheduler/seeded-random.ts';
import type { TieBreak } from '../../scheduler/select-node.ts';
import { newPlainInterPodAffinity } from '../support/plain-plugins/inter-pod-affinity.ts';
import { newPlainPodTopologySpread } from '../support/plain-plugins/pod-topology-spread.ts';
import { newContainer, newNode, newPod } from '../support/scheduling-objects.ts';

const ZONE = 'topology.kubernetes.io/zone';
const SEED = 20_260_101;
const RUNS = 100;
const FIRST = { kind: 'first' } as const;
/** Above 100 nodes a search ends when enough fit. */
const MANY = { nodes: 130, runs: 25 };

class World {
  readonly cache = new SchedulerCache();
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, Pod>();
  readonly namespaces = new Map<string, Readonly<Record<string, string>>>([
    ['a', { team: 'x' }],
    ['b', { team: 'y' }],
  ]);
}

const labels = fc.record(
  { app: fc.constantFrom('web', 'db'), tier: fc.constantFrom('1', '2') },
  { requiredKeys: [] },
);
const selector = fc.oneof(
  fc.constant({}),
  fc.constantFrom('web', 'db').map((app) => ({ matchLabels: { app } })),
  fc.constant({ matchExpressions: [{ key: 'tier', operator: 'Exists' as const }] }),
);
const topologyKey = fc.constantFrom(ZONE, 'kubernetes.io/hostname', 'rack');
const term = fc.record(
  {
    topologyKey,
    labelSelector: selector,
    namespaces: fc.constantFrom(['a'], ['a', 'b']),
    namespaceSelector: fc.constantFrom({}, { matchLabels: { team: 'x' } }),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);
const weighted = fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: term });
const terms = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.array(term, { maxLength: 1 }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(weighted, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const spread = fc.record(
  {
    topologyKey,
    labelSelector: selector,
    maxSkew: fc.integer({ min: 1, max: 3 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule' as const, 'ScheduleAnyway' as const),
    minDomains: fc.integer({ min: 1, max: 3 }),
    nodeAffinityPolicy: fc.constantFrom('Honor' as const, 'Ignore' as const),
    nodeTaintsPolicy: fc.constantFrom('Honor' as const, 'Ignore' as const),
    matchLabelKeys: fc.constant(['tier']),
  },
  { requiredKeys: ['topologyKey', 'labelSelector', 'maxSkew', 'whenUnsatisfiable'] },
);
const nothing = fc.constant(undefined);
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: nothing }, { weight: 1, arbitrary });
const often = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 1, arbitrary: nothing }, { weight: 1, arbitrary });
const podOf = fc.record({
  namespace: fc.constantFrom('a', 'a', 'b'),
  labels,
  cpu: fc.constantFrom('0', '100m', '300m'),
  memory: fc.constantFrom('0', '64Mi', '1Gi'),
  port: rarely(fc.constantFrom(80, 81)),
  zone: rarely(fc.constantFrom('z1', 'z2')),
  named: rarely(fc.constantFrom('n1', 'n2', 'n9')),
  tolerates: fc.boolean(),
  podAffinity: rarely(terms),
  podAntiAffinity: rarely(terms),
  spreads: often(fc.array(spread, { minLength: 1, maxLength: 2 })),
  image: fc.constantFrom('small:1', 'large:1'),
});
const nodeOf = fc.record({
  cpu: fc.constantFrom('1', '4'),
  zone: fc.constantFrom('z1', 'z2', 'z3', undefined),
  rack: fc.constantFrom('r1', 'r2', undefined),
  taint: rarely(fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const)),
  cordoned: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
  image: fc.boolean(),
});
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('pod' as const), like: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('node' as const),
      index: fc.nat(11),
      node: nodeOf,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('no-node' as const), index: fc.nat(11) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), index: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('going' as const), index: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('relabel' as const), index: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('team' as const), team: fc.constantFrom('x', 'y') }),
  },
);
type PodShape = typeof podOf extends fc.Arbitrary<infer T> ? T : never;
type NodeShape = typeof nodeOf extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function podFrom(shape: PodShape, index: number): Pod {
  const { cpu, memory, port, image, podAffinity, podAntiAffinity, named, zone } = shape;
  const ports = port === undefined ? [] : [{ containerPort: 1, hostPort: port }];
  const nodeAffinity =
    named === undefined
      ? undefined
      : {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [named] }],
              },
            ],
          },
        };
  const spec: Partial<PodSpec> = {
    containers: [newContainer({ cpu, memory }, { ports, image })],
    affinity: {
      ...(nodeAffinity === undefined ? {} : { nodeAffinity }),
      ...(podAffinity === undefined ? {} : { podAffinity }),
      ...(podAntiAffinity === undefined ? {} : { podAntiAffinity }),
    },
    ...(zone === undefined ? {} : { nodeSelector: { [ZONE]: zone } }),
    ...(shape.tolerates ? { tolerations: [{ operator: 'Exists' as const }] } : {}),
    ...(shape.spreads === undefined ? {} : { topologySpreadConstraints: shape.spreads }),
  };
  const { namespace, labels: own } = shape;
  return newPod(`p${index}`, spec, { namespace, labels: own as Record<string, string> });
}

function nodeFrom(index: number, shape: NodeShape): Node {
  const own: Record<string, string> = {};
  if (shape.zone !== undefined) own[ZONE] = shape.zone;
  if (shape.rack !== undefined) own.rack = shape.rack;
  const taints = shape.taint === undefined ? [] : [{ key: 'k', effect: shape.taint }];
  const images = shape.image ? [{ names: ['large:1'], sizeBytes: 800 * 2 ** 20 }] : [];
  const node = newNode(
    `n${index}`,
    { cpu: shape.cpu, pods: '6' },
    { labels: own, spec: { taints, unschedulable: shape.cordoned } },
  );
  return { ...node, status: { ...node.status, images } };
}

describe('decisions', () => {
  for (const kind of ['first', 'name', 'heap135', 'random'] as const) {
    for (const isMany of [false, true]) {
      const which = isMany ? 'some of many nodes' : 'all nodes';
      it(`are the same without reuse: ties by ${kind}, ${which} looked at`, () => {
        const run = (
          nodes: readonly NodeShape[],
          pods: readonly PodShape[],
          steps: readonly Step[],
        ): void => {
          const count = isMany ? MANY.nodes : nodes.length;
          const all = Array.from({ length: count }, (_, at) => nodes[at % nodes.length]);
          compare(all, pods, steps, kind);
        };
        const property = fc.property(
          fc.array(nodeOf, { minLength: 3, maxLength: 12 }),
          fc.array(podOf, { minLength: 1, maxLength: 4 }),
          fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }),
          run,
        );
        fc.assert(property, { seed: SEED, numRuns: isMany ? MANY.runs : RUNS });
      });
    }
  }
});

describe('what is kept of peers', () => {
  const cluster = () => {
    const world = new World();
    const framework = new Framework('default-scheduler', defaultProfile(dependenciesOf(world)));
    const choose = (pod: Pod) => {
      const options = { startIndex: 0, percentageOfNodesToScore: 0, tieBreak: FIRST };
      const decision = decide(framework, world.cache.snapshot(), newPodInfo(pod), options);
      return decision.kind === 'node' ? decision.nodeName : decision.kind;
    };
    return { world, choose };
  };

  it('follows the labels of namespaces', () => {
    const { world, choose } = cluster();
    world.cache.setNode(newNode('n1'));
    const taints = [{ key: 'k', effect: 'PreferNoSchedule' as const }];
    world.cache.setNode(newNode('n2', {}, { spec: { taints } }));
    const labels = { app: 'web' };
    world.cache.setPod(newPod('other', { nodeName: 'n1' }, { namespace: 'b', labels }));
    const term = {
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: labels },
      namespaceSelector: { matchLabels: { team: 'x' } },
    };
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    const pod = newPod('p', { affinity: { podAntiAffinity } }, { namespace: 'a' });
    assert.equal(choose(pod), 'n1');
    world.namespaces.set('b', { team: 'x' });
    assert.equal(choose(pod), 'n2');
    world.namespaces.set('b', { team: 'y' });
    assert.equal(choose(pod), 'n1');
  });

  it('is not shared by pods whose tolerations or node affinity make other nodes count', () => {
    const { world, choose } = cluster();
    const zoned = (name: string, zone: string, more = {}, allocatable = {}) =>
      newNode(name, allocatable, { labels: { [ZONE]: zone }, ...more });
    const taints = [{ key: 'k', effect: 'NoSchedule' as const }];
    world.cache.setNode(zoned('n1', 'z1'));
    world.cache.setNode(zoned('n2', 'z2', { spec: { taints } }, { cpu: '1' }));
    const labels = { app: 'web' };
    world.cache.setPod(newPod('other', { nodeName: 'n1' }, { namespace: 'a', labels }));
    const spread = {
      topologyKey: ZONE,
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: labels },
      nodeTaintsPolicy: 'Honor' as const,
    };
    const pod = (spec: Partial<PodSpec>) =>
      newPod('p', { topologySpreadConstraints: [spread], ...spec }, { namespace: 'a', labels });
    assert.equal(choose(pod({})), 'n1', 'The tainted zone does not count');
    assert.equal(choose(pod({ tolerations: [{ operator: 'Exists' }] })), 'n2');
    assert.equal(choose(pod({ nodeSelector: { [ZONE]: 'z1' } })), 'n1');
    assert.equal(choose(pod({ tolerations: [{ operator: 'Exists' }] })), 'n2');
  });
});

function compare(
  nodes: readonly (NodeShape | undefined)[],
  pods: readonly PodShape[],
  steps: readonly Step[],
  kind: TieBreak['kind'],
): void {
  const world = new World();
  const kept = new Framework('default-scheduler', defaultProfile(dependenciesOf(world)));
  const plain = new Framework('default-scheduler', plainProfile(world), { reuses: false });
  const randoms = [seededRandom(7), seededRandom(7)];
  let startIndex = 0;
  for (const [index, shape] of nodes.entries()) {
    if (shape !== undefined) setNode(world, index, shape);
  }
  for (const [index, each] of steps.entries()) {
    if (each.kind !== 'pod') {
      change(world, each);
      continue;
    }
    const shape = pods[each.like % pods.length];
    if (shape === undefined) continue;
    const info = newPodInfo(podFrom(shape, index));
    const [one, other] = randoms.map((random, which) => {
      const framework = which === 0 ? kept : plain;
      const tieBreak: TieBreak = kind === 'random' ? { kind, random } : { kind };
      const options = { startIndex, percentageOfNodesToScore: 30, tieBreak };
      return decide(framework, world.cache.snapshot(), info, options);
    });
    assert.ok(one !== undefined && other !== undefined);
    assert.deepEqual(comparable(one), comparable(other));
    if (one.kind === 'error') continue;
    startIndex = one.nextStartIndex;
    if (one.kind !== 'node') continue;
    const { pod } = info;
    const placed = { ...pod, spec: { ...pod.spec, nodeName: one.nodeName } };
    world.cache.assumePod({ ...info, pod: placed }, one.nodeName);
    world.pods.set(pod.metadata.uid, placed);
  }
  checkSnapshot(world);
}

/** With plugins that count everything each time. */
function plainProfile(world: World): readonly ConfiguredPlugin[] {
  const { peersOf, namespaceLabels } = dependenciesOf(world);
  const plain = [newPlainPodTopologySpread(peersOf), newPlainInterPodAffinity(namespaceLabels)];
  return defaultProfile(dependenciesOf(world)).map((configured) => ({
    ...configured,
    plugin: plain.find(({ name }) => name === configured.plugin.name) ?? configured.plugin,
  }));
}

/** The snapshot that was changed in place, against one of a scheduler that has just started. */
function checkSnapshot(world: World): void {
  const anew = new SchedulerCache();
  for (const node of world.nodes.values()) anew.setNode(node);
  for (const pod of world.pods.values()) anew.setPod(pod);
  const [kept, fresh] = [world.cache.snapshot(), anew.snapshot()];
  assert.equal(kept.nodes.length, fresh.nodes.length);
  assert.equal(kept.podsWithAffinity, fresh.podsWithAffinity);
  assert.equal(kept.nodesWithImage('large:1'), fresh.nodesWithImage('large:1'));
  for (const [position, node] of kept.nodes.entries()) {
    const other = fresh.byName.get(node.name);
    assert.ok(other !== undefined && kept.positions[node.index] === position);
    assert.equal(kept.order[position], node.index);
    const facts = ({ index: _, pods, ...rest }: NodeInfo) => ({
      ...rest,
      pods: [...pods.keys()].sort(),
    });
    assert.deepEqual(facts(node), facts(other));
    for (const key of [ZONE, 'rack']) {
      const sharing = (snapshot: Snapshot, { index }: NodeInfo) => {
        const { values } = snapshot.topology(key);
        const like = snapshot.nodes.filter((each) => values[each.index] === values[index]);
        return like.map(({ name }) => name).sort();
      };
      assert.deepEqual(sharing(kept, node), sharing(fresh, other));
    }
  }
}

function dependenciesOf(world: World): Parameters<typeof defaultProfile>[0] {
  return {
    client: { request: () => Promise.reject(new Error('A decision asks nobody')) },
    peersOf: newPeerSelector(
      {
        byIndex: () => [
          {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: 's', uid: 's', resourceVersion: '1', creationTimestamp: '' },
            spec: { selector: { app: 'web' } },
            status: {},
          },
        ],
      },
      { get: () => undefined },
    ),
    namespaceLabels: (name) => world.namespaces.get(name) ?? {},
  };
}

function setNode(world: World, index: number, shape: NodeShape): void {
  const node = nodeFrom(index, shape);
  world.nodes.set(node.metadata.name, node);
  world.cache.setNode(node);
}

function change(world: World, what: Exclude<Step, { readonly kind: 'pod' }>): void {
  switch (what.kind) {
    case 'node':
      setNode(world, what.index, what.node);
      break;
    case 'no-node':
      world.nodes.delete(`n${what.index}`);
      world.cache.removeNode(`n${what.index}`);
      break;
    case 'team':
      world.namespaces.set('b', { team: what.team });
      break;
    case 'end': {
      const pod = [...world.pods.values()][what.index];
      if (pod === undefined) return;
      world.pods.delete(pod.metadata.uid);
      world.cache.removePod(pod.metadata.uid);
      break;
    }
    case 'going':
    case 'relabel': {
      const pod = [...world.pods.values()][what.index];
      if (pod === undefined) return;
      const more =
        what.kind === 'going'
          ? { deletionTimestamp: '2026-01-01T00:00:00Z' }
          : { labels: { app: 'db' } };
      const changed = { ...pod, metadata: { ...pod.metadata, ...more } };
      world.pods.set(pod.metadata.uid, changed);
      world.cache.setPod(changed);
    }
  }
}

/** All of a decision but the state that plugins keep for themselves. */
function comparable(decision: Decision): unknown {
  switch (decision.kind) {
    case 'node': {
      const { state: _, ...rest } = decision;
      return rest;
    }
    case 'none': {
      const { diagnosis, ...rest } = decision;
      const statuses = new Map(diagnosis.statuses);
      const rejectedBy = [...diagnosis.rejectedBy].sort();
      const size = diagnosis.statuses.size;
      return {
        ...rest,
        ...diagnosis,
        statuses,
        size,
        rejectedBy,
        text: fitErrorMessage(diagnosis),
      };
    }
    case 'error':
      return decision;
  }
}
