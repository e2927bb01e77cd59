import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WorkQueue } from '../../client/work-queue.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

const { signal } = new AbortController();

function setUp(): { clock: FakeClock; queue: WorkQueue } {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock }) };
}

describe('WorkQueue', () => {
  it('gives keys in order, once', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
    assert.equal(queue.length, 3);
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => queue.take(signal))), ['a', 'b', 'c']);
  });

  it('gives a key that is being worked on again only when it is done', async () => {
    const { queue } = setUp();
    queue.add('a');
    assert.equal(await queue.take(signal), 'a');
    queue.add('a');
    queue.add('a');
    queue.add('b');
    assert.equal(await queue.take(signal), 'b');
    assert.equal(queue.length, 0);
    queue.done('a');
    assert.equal(await queue.take(signal), 'a');
    queue.done('a');
    assert.equal(queue.length, 0);
  });

  it('wakes those who wait, in their order, and lets go at the signal', async () => {
    const { queue } = setUp();
    const controller = new AbortController();
    const taken = [queue.take(controller.signal), queue.take(signal), queue.take(signal)];
    controller.abort();
    queue.add('a');
    queue.add('b');
    assert.deepEqual(await Promise.all(taken), [undefined, 'a', 'b']);
    assert.equal(await queue.take(controller.signal), undefined);
  });

  it('delays: the earliest of several counts', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 900);
    await clock.advance(99);
    assert.equal(queue.length, 0);
    await clock.advance(1);
    assert.equal(queue.length, 1);
    assert.equal(clock.pending, 0);
  });

  it('backs off by failures, until forgotten; close leaves no timer', async () => {
    const { clock, queue } = setUp();
    queue.addRateLimited('a');
    await clock.advance(5);
    assert.equal(await queue.take(signal), 'a');
    queue.done('a');
    queue.addRateLimited('a');
    assert.equal(queue.failures('a'), 2);
    await clock.advance(9);
    assert.equal(queue.length, 0);
    await clock.advance(1);
    assert.equal(queue.length, 1);
    queue.forget('a');
    assert.equal(queue.failures('a'), 0);
    queue.addAfter('b', 1000);
    queue.close();
    assert.equal(clock.pending, 0);
  });

  it('never has a key at two workers and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.nat(4), act: fc.constantFrom('add', 'take', 'done') }), {
          maxLength: 200,
        }),
        async (steps) => {
          const { queue } = setUp();
          const working: string[] = [];
          const wanted = new Set<string>();
          for (const { key: number, act } of steps) {
            const key = String(number);
            if (act === 'add') {
              queue.add(key);
              wanted.add(key);
            } else if (act === 'take' && queue.length > 0) {
              const taken = (await queue.take(signal)) ?? '';
              assert.ok(!working.includes(taken));
              working.push(taken);
              wanted.delete(taken);
            } else if (act === 'done' && working.includes(key)) {
              queue.done(key);
              working.splice(working.indexOf(key), 1);
            }
          }
          for (const key of working) queue.done(key);
          const rest = new Set<string>();
          while (queue.length > 0) rest.add((await queue.take(signal)) ?? '');
          assert.deepEqual(rest, wanted);
        },
      ),
    );
    await settle();
  });
});
