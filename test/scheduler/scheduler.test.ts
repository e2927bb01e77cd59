import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import type { Node, Pod, PodSpec } from '../../proto/api/gen/core-v1.ts';
import { pods as podResource } from '../../proto/api/gen/resources.ts';
import { notFound } from '../../proto/api/status-error.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import type { Plugin } from '../../scheduler/framework/plugin.ts';
import { conditionPatch } from '../../scheduler/report-failure.ts';
import { Scheduler } from '../../scheduler/scheduler.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeInformer } from '../support/fake-informer.ts';
import { newContainer, newNode, newPod } from '../support/scheduling-objects.ts';

const cpu = (amount: string): Partial<PodSpec> => ({ containers: [newContainer({ cpu: amount })] });

/** A scheduler whose API server accepts everything, unless `refuse` has errors for bindings. */
async function setUp(options: { plugins?: readonly Plugin[]; refuse?: Error[] } = {}) {
  const clock = new FakeClock();
  const pods = new FakeInformer<Pod>();
  const nodes = new FakeInformer<Node>();
  const bindings: string[] = [];
  const events: string[] = [];
  const conditions: string[] = [];
  const removals: string[] = [];
  const refuse = options.refuse ?? [];
  const client = {
    request: async (_method: string, path: string, body: { target: { name: string } }) => {
      const refusal = refuse.shift();
      if (refusal !== undefined) throw refusal;
      const name = path.split('/').at(-2) ?? '';
      bindings.push(`${name}>${body.target.name}`);
      const pod = pods.get(`default/${name}`);
      if (pod === undefined) return;
      pods.set({ ...pod, spec: { ...pod.spec, nodeName: body.target.name } });
    },
    patch: async (
      _resource: unknown,
      target: { name: string },
      _type: string,
      body: { status: Partial<Pod['status']> },
    ) => {
      const condition = body.status.conditions?.[0];
      conditions.push(`${target.name}: ${condition?.reason}: ${condition?.message}`);
      const pod = pods.get(`default/${target.name}`);
      if (pod !== undefined) pods.set({ ...pod, status: { ...pod.status, ...body.status } });
    },
    delete: async (_resource: unknown, target: { name: string }) => {
      removals.push(target.name);
      const pod = pods.get(`default/${target.name}`);
      if (pod === undefined) return;
      const { terminationGracePeriodSeconds: grace = 0 } = pod.spec;
      if (grace === 0) pods.delete(pod);
      else {
        const deletionTimestamp = '2026-01-01T00:00:00Z';
        pods.set({ ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
      }
    },
  } as unknown as Pick<Client, 'request' | 'patch' | 'delete'>;
  const own = (options.plugins ?? []).map((plugin) => ({ plugin }));
  const profile = defaultProfile({
    client,
    peersOf: () => undefined,
    namespaceLabels: () => ({}),
  });
  const scheduler = new Scheduler({
    client,
    clock,
    logger: silentLogger,
    recorder: {
      record: (object, type, reason, message) => {
        const name = 'metadata' in object ? object.metadata.name : (object.name ?? '');
        events.push(`${name} ${type} ${reason}: ${message}`);
      },
    },
    pods,
    nodes,
    frameworks: [new Framework('default-scheduler', [...own, ...profile])],
    tieBreak: { kind: 'first' },
  });
  const controller = new AbortController();
  const running = scheduler.run(controller.signal);
  await settle();
  const stop = async (): Promise<void> => {
    controller.abort();
    await running;
    assert.equal(clock.pending, 0, 'No timer is left');
  };
  return { clock, pods, nodes, bindings, events, conditions, removals, refuse, scheduler, stop };
}

describe('Scheduler', () => {
  it('binds, and says so', async () => {
    const { pods, nodes, bindings, events, conditions, stop } = await setUp();
    nodes.set(newNode('n1'));
    pods.set(newPod('p'));
    await settle();
    assert.deepEqual(bindings, ['p>n1']);
    assert.deepEqual(events, ['p Normal Scheduled: Successfully assigned default/p to n1']);
    assert.deepEqual(conditions, []);
    await stop();
  });

  it('says once why there is no node, and tries again when there may be one', async () => {
    const { clock, pods, nodes, bindings, events, conditions, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '1' }));
    pods.set(newPod('big', cpu('2')));
    await settle();
    const text =
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    assert.deepEqual(events, [`big Warning FailedScheduling: ${text}`]);
    assert.deepEqual(conditions, [`big: Unschedulable: ${text}`]);
    await clock.advance(60_000);
    assert.equal(events.length, 1, 'Its own condition wakes no pod');
    nodes.set(newNode('n2'));
    await settle();
    assert.deepEqual(bindings, ['big>n2']);
    await stop();
  });

  it('gives the room of a deleted pod to the one that waits', async () => {
    const { clock, pods, nodes, bindings, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '1' }));
    const first = newPod('first', cpu('1'));
    pods.set(first);
    await settle();
    pods.set(newPod('second', cpu('1')));
    await settle();
    assert.deepEqual(bindings, ['first>n1']);
    await clock.advance(2_000);
    const bound = pods.get('default/first');
    assert.ok(bound !== undefined);
    pods.delete(bound);
    await settle();
    assert.deepEqual(bindings, ['first>n1', 'second>n1']);
    await stop();
  });

  it('never gives a node twice while a binding is under way', async () => {
    const { pods, nodes, bindings, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '3' }));
    for (let number = 0; number < 10; number += 1) pods.set(newPod(`p${number}`, cpu('1')));
    await settle();
    assert.equal(bindings.length, 3);
    await stop();
  });

  it('takes a failed binding back and tries again later', async () => {
    const setup = await setUp({ refuse: [new Error('connection refused')] });
    const { clock, pods, nodes, bindings, conditions, stop } = setup;
    nodes.set(newNode('n1', { cpu: '1' }));
    pods.set(newPod('p', cpu('1')));
    await settle();
    assert.deepEqual(bindings, []);
    assert.deepEqual(conditions, [
      'p: SchedulerError: running plugin "DefaultBinder": connection refused',
    ]);
    await clock.advance(1_000);
    assert.deepEqual(bindings, ['p>n1'], 'The room it was given was free again');
    await stop();
  });

  it('forgets a pod that was gone when it was to be bound', async () => {
    const setup = await setUp({ refuse: [notFound(podResource, 'p')] });
    const { clock, pods, nodes, events, bindings, stop } = setup;
    nodes.set(newNode('n1', { cpu: '1' }));
    const pod = newPod('p', cpu('1'));
    pods.set(pod);
    await settle();
    pods.delete(pod);
    pods.set(newPod('q', cpu('1')));
    await settle();
    await clock.advance(5_000);
    assert.deepEqual(bindings, ['q>n1']);
    assert.ok(events.every((event) => !event.startsWith('p ')));
    await stop();
  });

  it('leaves pods of other schedulers, gated ones and ones that are going', async () => {
    const { pods, nodes, bindings, events, stop } = await setUp();
    nodes.set(newNode('n1'));
    pods.set(newPod('foreign', { schedulerName: 'other' }));
    const gated = newPod('gated', { schedulingGates: [{ name: 'g' }] });
    pods.set(gated);
    pods.set(newPod('going', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    await settle();
    assert.deepEqual(bindings, []);
    assert.deepEqual(events, [
      'going Warning FailedScheduling: skip schedule deleting pod: default/going',
    ]);
    pods.set({ ...gated, spec: { containers: gated.spec.containers } });
    await settle();
    assert.deepEqual(bindings, ['gated>n1']);
    await stop();
  });

  it('counts what runs already after a restart', async () => {
    const { pods, nodes, bindings, stop } = await setUp();
    pods.set(newPod('old', { ...cpu('1'), nodeName: 'n1' }));
    pods.set(newPod('new', cpu('1')));
    nodes.set(newNode('n1', { cpu: '1' }));
    nodes.set(newNode('n2', { cpu: '1' }));
    await settle();
    assert.deepEqual(bindings, ['new>n2']);
    await stop();
  });

  it('lets a Permit plugin make a pod wait, and gives its room back when the time is over', async () => {
    const gate: Plugin = {
      name: 'Gate',
      permit: (_state, { pod }) =>
        pod.metadata.name === 'held'
          ? { status: { code: 'Wait', reasons: [] }, timeoutMs: 5_000 }
          : {},
    };
    const { clock, pods, nodes, bindings, conditions, stop } = await setUp({ plugins: [gate] });
    nodes.set(newNode('n1', { cpu: '1' }));
    pods.set(newPod('held', cpu('1')));
    await settle();
    pods.set(newPod('other', cpu('1')));
    await settle();
    assert.deepEqual(bindings, [], 'The held pod has the room');
    await clock.advance(5_000);
    assert.match(
      conditions.join(),
      /held: .*rejected due to timeout after waiting 5s at plugin Gate/,
    );
    await clock.advance(1_000);
    assert.deepEqual(bindings, ['other>n1']);
    await stop();
  });

  it('tells plugins of reservations, and takes them back in reverse', async () => {
    const calls: string[] = [];
    const noting = (name: string, isRefusing: boolean): Plugin => ({
      name,
      reserve: () => {
        calls.push(`reserve ${name}`);
        return isRefusing ? { code: 'Unschedulable', reasons: ['no'] } : undefined;
      },
      unreserve: () => void calls.push(`unreserve ${name}`),
    });
    const plugins = [noting('A', false), noting('B', true)];
    const { pods, nodes, bindings, conditions, stop } = await setUp({ plugins });
    nodes.set(newNode('n1'));
    pods.set(newPod('p'));
    await settle();
    assert.deepEqual(calls, ['reserve A', 'reserve B', 'unreserve B', 'unreserve A']);
    assert.deepEqual(bindings, []);
    assert.deepEqual(conditions, ['p: Unschedulable: no']);
    await stop();
  });
});

describe('preemption', () => {
  const important = (amount: string): Partial<PodSpec> => ({ ...cpu(amount), priority: 100 });

  it('removes pods of lower priority, says so, and gives their room to the one that needs it', async () => {
    const setup = await setUp();
    const { clock, pods, nodes, bindings, events, conditions, removals, stop } = setup;
    nodes.set(newNode('n1', { cpu: '2' }));
    pods.set(newPod('low', cpu('2')));
    await settle();
    const preemptor = newPod('high', important('1'));
    pods.set(preemptor);
    await settle();
    assert.deepEqual(removals, ['low']);
    assert.ok(
      conditions.includes(
        'low: PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod',
      ),
    );
    assert.ok(
      events.includes(
        `low Normal Preempted: Preempted by pod ${preemptor.metadata.uid} on node n1`,
      ),
      events.join('\n'),
    );
    assert.ok(
      events.includes(
        'high Warning FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu.',
      ),
    );
    await clock.advance(1_000);
    assert.deepEqual(bindings, ['low>n1', 'high>n1']);
    await stop();
  });

  it('waits for victims that take their time, and removes no more meanwhile', async () => {
    const setup = await setUp();
    const { clock, pods, nodes, bindings, events, removals, stop } = setup;
    nodes.set(newNode('n1', { cpu: '2' }));
    pods.set(newPod('slow', { ...cpu('1'), terminationGracePeriodSeconds: 30 }));
    pods.set(newPod('other', cpu('1')));
    await settle();
    pods.set(newPod('high', important('1')));
    await settle();
    assert.equal(pods.get('default/high')?.status?.nominatedNodeName, 'n1');
    const [victim = ''] = removals;
    assert.equal(removals.length, 1);
    // Something that wakes it, without room.
    nodes.set(newNode('tiny', { cpu: '100m' }));
    await clock.advance(2_000);
    assert.equal(removals.length, 1);
    if (victim === 'slow') {
      assert.match(
        events.join('\n'),
        /not eligible due to a terminating pod on the nominated node/,
      );
    }
    // A pod of lower priority may not take the room in between.
    pods.set(newPod('thief', cpu('1')));
    const gone = pods.get(`default/${victim}`);
    if (gone !== undefined) pods.delete(gone);
    await clock.advance(20_000);
    assert.ok(bindings.includes('high>n1'), bindings.join());
    assert.ok(!bindings.includes('thief>n1'), bindings.join());
    await stop();
  });

  it('is not for pods whose policy says Never', async () => {
    const { pods, nodes, events, removals, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '1' }));
    pods.set(newPod('low', cpu('1')));
    await settle();
    pods.set(newPod('shy', { ...important('1'), preemptionPolicy: 'Never' }));
    await settle();
    assert.deepEqual(removals, []);
    assert.ok(
      events.includes(
        'shy Warning FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
      ),
    );
    await stop();
  });

  it('takes the nomination of a pod of lower priority away', async () => {
    const { clock, pods, nodes, removals, stop } = await setUp();
    nodes.set(newNode('n1', { cpu: '2' }));
    pods.set(newPod('slow', { ...cpu('2'), terminationGracePeriodSeconds: 30 }));
    await settle();
    pods.set(newPod('middle', { ...cpu('2'), priority: 50 }));
    await settle();
    assert.equal(pods.get('default/middle')?.status?.nominatedNodeName, 'n1');
    const slow = pods.get('default/slow');
    assert.ok(slow !== undefined);
    pods.set(newPod('second', { ...cpu('1'), nodeName: 'n1', terminationGracePeriodSeconds: 30 }));
    pods.set(newPod('high', important('2')));
    await clock.advance(1_000);
    assert.deepEqual(removals, ['slow', 'second']);
    assert.equal(pods.get('default/high')?.status?.nominatedNodeName, 'n1');
    assert.equal(pods.get('default/middle')?.status?.nominatedNodeName ?? null, null);
    await stop();
  });
});

describe('conditionPatch', () => {
  const report = { reason: 'Unschedulable', message: 'm' } as const;
  const pod = newPod('p');

  it('is nothing when the pod says so already, and keeps the time of the transition', () => {
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      ...report,
      lastTransitionTime: '2025-01-01T00:00:00Z',
    };
    const told: Pod = { ...pod, status: { conditions: [condition] } };
    assert.equal(conditionPatch(told, report, 0), undefined);
    assert.deepEqual(conditionPatch(told, { ...report, message: 'n' }, 0), {
      metadata: { uid: pod.metadata.uid },
      status: { conditions: [{ ...condition, message: 'n' }] },
    });
  });
});
