import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { EventRegistration } from '../../../scheduler/framework/cluster-event.ts';
import { prioritySort } from '../../../scheduler/plugins/priority-sort.ts';
import { schedulingGates } from '../../../scheduler/plugins/scheduling-gates.ts';
import { KeyedHeap } from '../../../scheduler/queue/heap.ts';
import { SchedulingQueue } from '../../../scheduler/queue/scheduling-queue.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { newNode, newPod } from '../../support/scheduling-objects.ts';

const { signal } = new AbortController();
const REGISTRATIONS: [string, EventRegistration[]][] = [
  ['Fit', [{ kind: 'AssignedPodDelete' }, { kind: 'NodeAdd' }]],
  ['Picky', [{ kind: 'NodeAdd', hint: (_pod, { node }) => node?.metadata.name === 'good' }]],
];
const NONE = { active: 0, backoff: 0, unschedulable: 0, gated: 0, events: 0 };
const FIT = { kind: 'unschedulable', rejectedBy: new Set(['Fit']) } as const;

function setUp() {
  const clock = new FakeClock();
  const queue = new SchedulingQueue({
    clock,
    less: (a, b) => prioritySort.less?.(a, b) ?? false,
    preEnqueue: (pod) => schedulingGates.preEnqueue?.(pod),
    registrations: new Map(REGISTRATIONS),
  });
  const take = async () => {
    const queued = await queue.take(signal);
    assert.ok(queued !== undefined);
    return queued;
  };
  const isEmpty = () => queue.sizes.active === 0 && queue.sizes.backoff === 0;
  return { clock, queue, take, isEmpty };
}

describe('SchedulingQueue', () => {
  it('gives the most important first, then who came first', async () => {
    const { clock, queue, take } = setUp();
    queue.add(newPod('a'));
    await clock.advance(1);
    queue.add(newPod('b', { priority: 5 }));
    await clock.advance(1);
    queue.add(newPod('c', { priority: 5 }));
    const names = [await take(), await take(), await take()].map(
      ({ info }) => info.pod.metadata.name,
    );
    assert.deepEqual(names, ['b', 'c', 'a']);
  });

  it('wakes a pod by any event when who turned it down has not said what helps', async () => {
    const { clock, queue, take, isEmpty } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    const rejectedBy = new Set(['Own']);
    queue.giveBack(await take(), pod, { kind: 'unschedulable', rejectedBy });
    assert.ok(isEmpty());
    await clock.advance(1_000);
    queue.moveOnEvent({ kind: 'NodeUpdateTaint' });
    assert.ok(!isEmpty());
  });

  it('wakes an unschedulable pod by an event that its plugins care for, after its back-off', async () => {
    const { clock, queue, take, isEmpty } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    queue.giveBack(await take(), pod, FIT);
    queue.moveOnEvent({ kind: 'NodeUpdateTaint' });
    assert.ok(isEmpty(), 'Nobody asked for taints');
    await clock.advance(400);
    queue.moveOnEvent({ kind: 'NodeAdd' });
    assert.deepEqual(queue.sizes, { ...NONE, backoff: 1 });
    await clock.advance(600);
    assert.deepEqual(queue.sizes, { ...NONE, active: 1 });
    const again = await take();
    assert.equal(again.attempts, 2);
    queue.giveBack(again, pod, FIT);
    await clock.advance(1_999);
    queue.moveOnEvent({ kind: 'NodeAdd' });
    assert.equal(queue.sizes.backoff, 1, 'The second back-off is two seconds');
    queue.close();
    assert.equal(clock.pending, 0);
  });

  it('asks the hint', async () => {
    const { queue, take, isEmpty } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    queue.giveBack(await take(), pod, { kind: 'unschedulable', rejectedBy: new Set(['Picky']) });
    queue.moveOnEvent({ kind: 'NodeAdd', node: newNode('bad') });
    assert.ok(isEmpty());
    queue.moveOnEvent({ kind: 'NodeAdd', node: newNode('good') });
    assert.ok(!isEmpty());
    queue.close();
  });

  it('does not lose an event that came while the pod was in flight', async () => {
    const { queue, take } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    const tried = await take();
    queue.moveOnEvent({ kind: 'NodeAdd' });
    queue.giveBack(tried, pod, FIT);
    assert.equal(queue.sizes.unschedulable, 0);
    assert.equal(queue.sizes.backoff, 1);
    queue.close();
  });

  it('tries pods in back-off early when nothing else is to do, but not after an error', async () => {
    const { clock, queue, take } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    queue.giveBack(await take(), pod, FIT);
    queue.moveOnEvent({ kind: 'NodeAdd' });
    const early = await take();
    assert.equal(early.attempts, 2);
    queue.giveBack(early, pod, { kind: 'error' });
    let isTaken = false;
    const next = take().then(() => {
      isTaken = true;
    });
    await clock.advance(999);
    assert.equal(isTaken, false);
    await clock.advance(1);
    await next;
    assert.equal(isTaken, true);
  });

  it('tries a forgotten pod again after five minutes', async () => {
    const { clock, queue, take } = setUp();
    const pod = newPod('a');
    queue.add(pod);
    queue.giveBack(await take(), pod, FIT);
    await clock.advance(299_999);
    assert.equal(queue.sizes.active, 0);
    await clock.advance(1);
    assert.equal(queue.sizes.active, 1);
  });

  it('holds gated pods until their gates are gone', async () => {
    const { queue } = setUp();
    const gated = newPod('a', { schedulingGates: [{ name: 'g' }] });
    queue.add(gated);
    queue.moveOnEvent({ kind: 'Any' });
    assert.deepEqual(queue.sizes, { ...NONE, gated: 1 });
    const free: Pod = { ...gated, spec: { containers: gated.spec.containers } };
    queue.update(gated, free);
    assert.equal(queue.sizes.active, 1);
    queue.delete(gated.metadata.uid);
    assert.deepEqual(queue.sizes, NONE);
  });

  it('looks at a gated pod again when what gates it may be over', async () => {
    let isOpen = false;
    const queue = new SchedulingQueue({
      clock: new FakeClock(),
      less: () => false,
      preEnqueue: () =>
        isOpen
          ? undefined
          : { code: 'UnschedulableAndUnresolvable', reasons: ['not yet'], plugin: 'Gate' },
      registrations: new Map([['Gate', [{ kind: 'NodeAdd' }]]]),
    });
    queue.add(newPod('a'));
    isOpen = true;
    queue.moveOnEvent({ kind: 'NodeUpdateTaint' });
    assert.deepEqual(queue.sizes, { ...NONE, gated: 1 });
    queue.moveOnEvent({ kind: 'NodeAdd' });
    assert.deepEqual(queue.sizes, { ...NONE, active: 1 });
  });

  it('ends back-offs on whole seconds, in the order of the queue', async () => {
    const { clock, queue, take } = setUp();
    const [low, high] = [newPod('low'), newPod('high', { priority: 9 })];
    queue.add(low);
    const first = await take();
    await clock.advance(100);
    queue.giveBack(first, low, { kind: 'error' });
    queue.add(high);
    const second = await take();
    await clock.advance(700);
    queue.giveBack(second, high, { kind: 'error' });
    await clock.advance(199);
    assert.equal(queue.sizes.backoff, 2);
    await clock.advance(1);
    assert.equal((await take()).info.pod.metadata.name, 'high');
    assert.equal((await take()).info.pod.metadata.name, 'low');
  });

  it('keeps no more events than who is in flight needs', async () => {
    const { queue, take } = setUp();
    const names = Array.from({ length: 400 }, (_, index) => `p${index}`);
    for (const name of names) queue.add(newPod(name));
    let inFlight = await take();
    for (let round = 1; round < names.length; round += 1) {
      const next = await take();
      for (let event = 0; event < 50; event += 1) queue.moveOnEvent({ kind: 'NodeUpdateTaint' });
      queue.done(inFlight.info.pod.metadata.uid);
      inFlight = next;
    }
    assert.ok(queue.sizes.events < 4_096, `${queue.sizes.events} events are kept`);
    // What happened since a pod was taken still counts for it.
    queue.moveOnEvent({ kind: 'NodeAdd' });
    queue.giveBack(inFlight, inFlight.info.pod, FIT);
    assert.equal(queue.sizes.unschedulable, 0);
  });

  it('lets go of who waits at the signal', async () => {
    const { queue } = setUp();
    const controller = new AbortController();
    const taken = queue.take(controller.signal);
    controller.abort();
    assert.equal(await taken, undefined);
  });
});

describe('KeyedHeap', () => {
  it('gives the least first, whatever was added, replaced and removed', () => {
    const step = fc.record({ key: fc.nat(9), value: fc.nat(50), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const heap = new KeyedHeap<{ key: string; value: number }>(
          ({ key }) => key,
          (a, b) => a.value < b.value,
        );
        const model = new Map<string, number>();
        for (const { key: number, value, remove } of steps) {
          const key = String(number);
          if (remove) {
            heap.delete(key);
            model.delete(key);
          } else {
            heap.push({ key, value });
            model.set(key, value);
          }
          assert.equal(heap.size, model.size);
        }
        const values: number[] = [];
        for (let item = heap.pop(); item !== undefined; item = heap.pop()) values.push(item.value);
        assert.deepEqual(
          values,
          [...model.values()].sort((a, b) => a - b),
        );
      }),
    );
  });
});
