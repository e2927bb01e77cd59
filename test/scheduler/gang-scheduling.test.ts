/** Gangs: all members or none, over a scheduler whose API server is a few maps. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import type { Node, Pod, PodSpec } from '../../proto/api/gen/core-v1.ts';
import type { PodGroup } from '../../proto/api/gen/scheduling-v1alpha2.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import type { Plugin } from '../../scheduler/framework/plugin.ts';
import { newGangScheduling } from '../../scheduler/plugins/gang-scheduling.ts';
import { PodGroups } from '../../scheduler/pod-groups.ts';
import { Scheduler } from '../../scheduler/scheduler.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeInformer } from '../support/fake-informer.ts';
import { newContainer, newNode, newPod } from '../support/scheduling-objects.ts';

const cpu = (amount: string): Partial<PodSpec> => ({ containers: [newContainer({ cpu: amount })] });

function newGroup(name: string, minCount: number): PodGroup {
  return {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: {
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { schedulingPolicy: { gang: { minCount } } },
    status: {},
  };
}

function newMember(group: string, name: string, amount = '1', spec: Partial<PodSpec> = {}): Pod {
  return newPod(name, { ...cpu(amount), schedulingGroup: { podGroupName: group }, ...spec });
}

interface SetUp {
  readonly plugins?: readonly Plugin[];
  /** Whether this binding is refused; asked each time. */
  readonly isRefused?: () => boolean;
}

async function setUp({ plugins = [], isRefused = () => false }: SetUp = {}) {
  const clock = new FakeClock();
  const pods = new FakeInformer<Pod>();
  const nodes = new FakeInformer<Node>();
  const groups = new FakeInformer<PodGroup>();
  const bindings: string[] = [];
  const conditions: string[] = [];
  const removals: string[] = [];
  const client = {
    request: async (_method: string, path: string, body: { target: { name: string } }) => {
      if (isRefused()) throw new Error('connection refused');
      const name = path.split('/').at(-2) ?? '';
      bindings.push(`${name}>${body.target.name}`);
      const pod = pods.get(`default/${name}`);
      if (pod !== undefined) {
        pods.set({ ...pod, spec: { ...pod.spec, nodeName: body.target.name } });
      }
    },
    patch: async (
      { kind }: { kind: string },
      target: { name: string },
      _type: string,
      body: { status: Partial<Pod['status'] & PodGroup['status']> },
    ) => {
      const [condition] = body.status.conditions ?? [];
      if (condition !== undefined) {
        conditions.push(`${target.name}: ${condition.reason}: ${condition.message}`);
      }
      const key = `default/${target.name}`;
      if (kind === 'PodGroup') {
        const group = groups.get(key);
        if (group !== undefined) groups.set({ ...group, status: body.status as never });
      } else {
        const pod = pods.get(key);
        if (pod !== undefined) pods.set({ ...pod, status: { ...pod.status, ...body.status } });
      }
    },
    delete: async (_resource: unknown, target: { name: string }) => {
      removals.push(target.name);
      const pod = pods.get(`default/${target.name}`);
      if (pod !== undefined) pods.delete(pod);
    },
  } as unknown as Pick<Client, 'request' | 'patch' | 'delete'>;
  const podGroups = new PodGroups(groups);
  const world = { client, peersOf: () => undefined, namespaceLabels: () => ({}) };
  const own = [newGangScheduling(podGroups), ...plugins].map((plugin) => ({ plugin }));
  const scheduler = new Scheduler({
    client,
    clock,
    logger: silentLogger,
    recorder: { record: () => undefined },
    pods,
    nodes,
    podGroups,
    frameworks: [new Framework('default-scheduler', [...own, ...defaultProfile(world)])],
    tieBreak: { kind: 'first' },
    otherEvents: (listen) =>
      groups.addHandler({ onAdd: (podGroup) => listen({ kind: 'PodGroupAdd', podGroup }) }),
  });
  const controller = new AbortController();
  const running = scheduler.run(controller.signal);
  await settle();
  const stop = async (): Promise<void> => {
    controller.abort();
    await running;
    assert.equal(clock.pending, 0, 'No timer is left');
  };
  const boundOf = (prefix: string): number =>
    pods.list().filter(({ metadata, spec }) => metadata.name.startsWith(prefix) && spec.nodeName)
      .length;
  return { clock, pods, nodes, groups, bindings, conditions, removals, boundOf, stop };
}

describe('a gang', () => {
  it('waits for its group and for enough members, then gets all its nodes', async () => {
    const { pods, nodes, groups, bindings, conditions, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    nodes.set(newNode('n2', { cpu: '2' }));
    pods.set(newMember('g', 'a'));
    pods.set(newMember('g', 'b'));
    pods.set(newMember('g', 'c'));
    await settle();
    assert.deepEqual(bindings, [], 'There is no group');
    groups.set(newGroup('g', 4));
    await settle();
    assert.deepEqual(bindings, [], 'One is missing');
    pods.set(newMember('g', 'd'));
    await settle();
    assert.equal(bindings.length, 4);
    assert.deepEqual(conditions, ['g: Scheduled: ']);
    await stop();
  });

  it('takes nothing while it does not fit, and all when there is room', async () => {
    const { clock, pods, nodes, groups, bindings, conditions, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    groups.set(newGroup('g', 3));
    for (const name of ['a', 'b', 'c']) pods.set(newMember('g', name));
    await settle();
    assert.deepEqual(bindings, []);
    const text = conditions.filter((each) => each.startsWith('g: ')).join();
    assert.match(text, /^g: Unschedulable: 0\/1 nodes are available: 1 Insufficient cpu\./);
    pods.set(newPod('single', cpu('2')));
    await settle();
    assert.deepEqual(bindings, ['single>n1'], 'The gang holds nothing meanwhile');
    nodes.set(newNode('n2', { cpu: '3' }));
    await settle();
    await clock.advance(10_000);
    assert.deepEqual(bindings.toSorted(), ['a>n2', 'b>n2', 'c>n2', 'single>n1']);
    assert.ok(conditions.includes('g: Scheduled: '));
    await stop();
  });

  it('leaves those above minCount to later, and takes them alone', async () => {
    const { clock, pods, nodes, groups, boundOf, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    groups.set(newGroup('g', 2));
    for (const name of ['g-a', 'g-b', 'g-c']) pods.set(newMember('g', name));
    await settle();
    assert.equal(boundOf('g-'), 2);
    nodes.set(newNode('n2', { cpu: '1' }));
    await clock.advance(10_000);
    assert.equal(boundOf('g-'), 3);
    await stop();
  });

  it('never blocks another one that needs the same half', async () => {
    const { clock, pods, nodes, groups, boundOf, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    nodes.set(newNode('n2', { cpu: '2' }));
    groups.set(newGroup('g', 3));
    groups.set(newGroup('h', 3));
    for (const number of [1, 2, 3]) {
      pods.set(newMember('g', `g-${number}`));
      pods.set(newMember('h', `h-${number}`));
    }
    await settle();
    await clock.advance(20_000);
    assert.deepEqual([boundOf('g-'), boundOf('h-')].sort(), [0, 3], 'One has all that it needs');
    const [first] = boundOf('g-') === 3 ? ['g-'] : ['h-'];
    for (const pod of pods.list()) {
      if (pod.metadata.name.startsWith(first ?? '')) pods.delete(pod);
    }
    await clock.advance(20_000);
    assert.equal(boundOf(first === 'g-' ? 'h-' : 'g-'), 3);
    await stop();
  });

  it('removes others only when all of it fits then, and keeps the room', async () => {
    const { clock, pods, nodes, groups, removals, boundOf, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    nodes.set(newNode('n2', { cpu: '1' }));
    pods.set(newPod('low', cpu('2')));
    await settle();
    assert.equal(boundOf('low'), 1);
    groups.set(newGroup('big', 4));
    for (const number of [1, 2, 3, 4]) {
      pods.set(newMember('big', `big-${number}`, '1', { priority: 100 }));
    }
    await clock.advance(30_000);
    assert.deepEqual(removals, [], 'Four do not fit even so');
    groups.set(newGroup('g', 3));
    for (const number of [1, 2, 3]) {
      pods.set(newMember('g', `g-${number}`, '1', { priority: 100 }));
    }
    await settle();
    pods.set(newPod('late', cpu('1')));
    await clock.advance(30_000);
    assert.deepEqual(removals, ['low']);
    assert.equal(boundOf('g-'), 3);
    assert.equal(boundOf('late'), 0);
    await stop();
  });

  it('is not bound when one of it fails just before', async () => {
    let failures = 1;
    const volumes: Plugin = {
      name: 'Volumes',
      preBind: async (_state, { pod }) => {
        if (pod.metadata.name !== 'c' || failures === 0) return undefined;
        failures -= 1;
        return { code: 'Error', reasons: ['no volume'], error: new Error('no volume') };
      },
    };
    const { clock, pods, nodes, groups, bindings, stop } = await setUp({ plugins: [volumes] });
    nodes.set(newNode('n1'));
    groups.set(newGroup('g', 3));
    for (const name of ['a', 'b', 'c']) pods.set(newMember('g', name));
    await settle();
    assert.deepEqual(bindings, []);
    await clock.advance(20_000);
    assert.deepEqual(bindings.toSorted(), ['a>n1', 'b>n1', 'c>n1']);
    await stop();
  });

  it('keeps the room of a member whose binding failed', async () => {
    let refusals = 1;
    const isRefused = (): boolean => refusals-- > 0;
    const { clock, pods, nodes, groups, boundOf, stop } = await setUp({ isRefused });
    nodes.set(newNode('n1', { cpu: '3' }));
    groups.set(newGroup('g', 3));
    for (const number of [1, 2, 3]) pods.set(newMember('g', `g-${number}`));
    await settle();
    assert.equal(boundOf('g-'), 2);
    pods.set(newPod('single', cpu('1')));
    await settle();
    assert.equal(boundOf('single'), 0);
    await clock.advance(5_000);
    assert.equal(boundOf('g-'), 3);
    await stop();
  });

  it('has all or too few for none, whatever comes, goes and fails', {
    timeout: 60_000,
  }, async () => {
    const gang = fc.record({
      minCount: fc.integer({ min: 1, max: 4 }),
      more: fc.integer({ min: 0, max: 2 }),
      amount: fc.integer({ min: 1, max: 2 }),
      priority: fc.constantFrom(0, 0, 10),
    });
    const run = fc.record({
      nodes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      gangs: fc.array(gang, { minLength: 1, maxLength: 3 }),
      singles: fc.integer({ min: 0, max: 2 }),
      refusals: fc.array(fc.boolean(), { maxLength: 8 }),
    });
    const property = fc.asyncProperty(run, async ({ nodes: sizes, gangs, singles, refusals }) => {
      const left = [...refusals];
      const isRefused = (): boolean => left.shift() ?? false;
      const { clock, pods, nodes, groups, removals, stop } = await setUp({ isRefused });
      for (const [index, size] of sizes.entries())
        nodes.set(newNode(`n${index}`, { cpu: `${size}` }));
      for (const [index, { minCount, more, amount, priority }] of gangs.entries()) {
        groups.set(newGroup(`g${index}`, minCount));
        for (let member = 0; member < minCount + more; member += 1) {
          pods.set(newMember(`g${index}`, `g${index}-${member}`, `${amount}`, { priority }));
        }
        if (index < singles) pods.set(newPod(`single${index}`, cpu('1')));
        await settle();
      }
      await clock.advance(120_000);
      for (const [index, { minCount }] of gangs.entries()) {
        const members = pods
          .list()
          .filter(({ metadata }) => metadata.name.startsWith(`g${index}-`));
        const bound = members.filter(({ spec }) => spec.nodeName).length;
        // Those that had to make room for more important ones are gone.
        if (removals.some((name) => name.startsWith(`g${index}-`))) continue;
        assert.ok(
          bound === 0 || bound >= minCount,
          `${bound} of g${index}, which needs ${minCount}`,
        );
      }
      await stop();
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
