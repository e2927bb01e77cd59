import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import { Controller, type ReconcileResult } from '../../controllers/controller.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

async function setUp(
  reconcile: (key: string) => Promise<ReconcileResult | undefined>,
  synced: Promise<void>[] = [],
) {
  const clock = new FakeClock();
  const controller = new Controller({
    name: 'test',
    clock,
    logger: silentLogger,
    workers: 2,
    synced,
    reconcile,
  });
  const end = new AbortController();
  const running = controller.run(end.signal);
  await settle();
  return {
    clock,
    controller,
    stop: async () => {
      end.abort();
      await running;
      assert.equal(clock.pending, 0, 'No timer is left');
    },
  };
}

describe('Controller', () => {
  it('reconciles nothing before its informers have synced', async () => {
    const keys: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const note = async (key: string): Promise<undefined> => {
      keys.push(key);
    };
    const { controller, stop } = await setUp(note, [promise]);
    controller.enqueue('a');
    await settle();
    assert.deepEqual(keys, []);
    resolve();
    await settle();
    assert.deepEqual(keys, ['a']);
    await stop();
  });

  it('tries again after failures, later and later, and after the time asked for', async () => {
    let failures = 2;
    const times: number[] = [];
    const setup = await setUp(async () => {
      times.push(setup.clock.monotonicMs() - start);
      failures -= 1;
      if (failures >= 0) throw new Error('not yet');
      return times.length === 3 ? { againAfterMs: 1_000 } : undefined;
    });
    const start = setup.clock.monotonicMs();
    setup.controller.enqueue('a');
    await settle();
    await setup.clock.advance(5_000);
    assert.deepEqual(times, [0, 5, 15, 1_015]);
    await setup.stop();
  });

  it('works on several keys at a time, and waits for them at the end', async () => {
    const begun: string[] = [];
    const gates: (() => void)[] = [];
    const { controller, stop } = await setUp(async (key) => {
      begun.push(key);
      await new Promise<void>((resolve) => gates.push(resolve));
      return undefined;
    });
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    await settle();
    assert.deepEqual(begun, ['a', 'b']);
    let isStopped = false;
    const stopping = stop().then(() => {
      isStopped = true;
    });
    await settle();
    assert.equal(isStopped, false);
    for (const open of gates) open();
    await stopping;
    assert.deepEqual(begun, ['a', 'b'], 'Nothing is begun after the end');
  });

  it('ends at once when the informers ended before they had synced', async () => {
    const clock = new FakeClock();
    const controller = new Controller({
      name: 'test',
      clock,
      logger: silentLogger,
      synced: [Promise.reject(new Error('ended'))],
      reconcile: async () => undefined,
    });
    await controller.run(AbortSignal.abort());
    await assert.rejects(controller.run(new AbortController().signal), /ended/);
  });
});
