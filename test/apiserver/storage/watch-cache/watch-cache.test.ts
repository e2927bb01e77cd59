import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CompactedError, SlowWatcherError } from '../../../../apiserver/storage/storage.ts';
import type { CacheEvent } from '../../../../apiserver/storage/watch-cache/cached-object.ts';
import {
  type CacheWatch,
  WatchCache,
} from '../../../../apiserver/storage/watch-cache/watch-cache.ts';
import type { Batch } from '../../../../apiserver/storage/watch-hub.ts';
import { silentLogger } from '../../../../base/logger.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { bytes, mustDelete, mustPut, text } from '../../../support/storage-harness.ts';

interface Thing {
  value: string;
  revision: number;
}

type ThingEvent = CacheEvent<Thing>;

const PREFIX = '/things/';
const BUFFER_EVENTS = 20;
const RECENT_EVENTS = 10;

describe('WatchCache', () => {
  let clock: FakeClock;
  let storage: MemoryStorage;
  let cache: WatchCache<Thing>;
  let controller: AbortController;
  let running: Promise<void>;
  let decoded: number;

  beforeEach(async () => {
    clock = new FakeClock();
    storage = new MemoryStorage({ clock, watchBufferEvents: 1000 });
    controller = new AbortController();
    decoded = 0;
    await mustPut(storage, '/things/b', 'one');
    await mustPut(storage, '/thing', 'not one');
    await mustPut(storage, '/things/a/x', 'two');
    await mustPut(storage, '/things/bad', 'undecodable');
    cache = new WatchCache<Thing>({
      storage,
      prefix: PREFIX,
      decode: (kv, remembered) => {
        decoded += 1;
        const value = remembered?.value ?? text(kv.value) ?? '';
        if (value === 'undecodable') throw new Error('This is no thing');
        return { value, revision: kv.modRevision };
      },
      clock,
      logger: silentLogger,
      watchBufferEvents: BUFFER_EVENTS,
      recentEvents: RECENT_EVENTS,
    });
    running = cache.run(controller.signal);
    assert.ok(await cache.waitFor(0));
  });

  afterEach(async () => {
    controller.abort();
    await running;
    await storage.close();
    assert.equal(clock.pending, 0);
  });

  const watch = (afterRevision: number, prefix = PREFIX): CacheWatch<Thing> =>
    cache.watch({ afterRevision, prefix, signal: controller.signal });

  it('lists in the order of keys, in pages, what can be read', () => {
    const all = cache.list();
    assert.deepEqual(
      all.items.map(({ object }) => object.value),
      ['two', 'one'],
    );
    assert.equal(all.revision, 4);
    const page = cache.list({ limit: 1 });
    assert.deepEqual([page.items.map(({ key }) => key), page.remaining], [['/things/a/x'], 1]);
    const rest = cache.list({ startAfter: '/things/a/x' });
    assert.deepEqual([rest.items.map(({ key }) => key), rest.remaining], [['/things/b'], 0]);
    assert.deepEqual(cache.list({ prefix: '/things/a/' }).items.length, 1);
  });

  it('has a write once it has reached its revision', async () => {
    const revision = await mustPut(storage, '/things/c', 'three');
    assert.ok(await cache.waitFor(revision));
    assert.equal(cache.get('/things/c')?.object.value, 'three');
    await mustDelete(storage, '/things/c', revision);
    assert.ok(await cache.waitForCurrent());
    assert.equal(cache.get('/things/c'), undefined);
  });

  it('comes as far as the store also when other keys are written', async () => {
    await mustPut(storage, '/others/a', '');
    assert.ok(await cache.waitForCurrent());
    assert.equal(cache.revision, 5);
  });

  it('does not wait for a revision beyond the time', async () => {
    const waiting = cache.waitFor(1000, { timeoutMs: 50 });
    await clock.advance(50);
    assert.equal(await waiting, false);
    assert.equal(await cache.waitFor(1000, { signal: AbortSignal.timeout(1) }), false);
  });

  it('tells watchers what happened, with what was before', async () => {
    const events = take(watch(cache.revision), 4);
    const first = await mustPut(storage, '/things/c', 'three');
    const second = await mustPut(storage, '/things/c', 'four', first);
    await mustDelete(storage, '/things/c', second);
    await mustPut(storage, '/other/c', 'no');
    await mustPut(storage, '/things/d', 'five');
    assert.deepEqual((await events).map(describeThing), [
      'ADDED three@5 from nothing',
      'MODIFIED four@6 from three@5',
      'DELETED four@7 from four@6',
      'ADDED five@9 from nothing',
    ]);
  });

  it('gives every watcher the same bytes, encoded once, decoded once', async () => {
    const watches = [take(watch(cache.revision), 1), take(watch(cache.revision), 1)];
    const before = decoded;
    await mustPut(storage, '/things/c', 'three');
    const [[one], [two]] = await Promise.all(watches).then(([a = [], b = []]) => [a, b] as const);
    assert.ok(one !== undefined && one === two);
    assert.equal(one.frame, two.frame);
    assert.equal(decoded, before + 1);
    const line = '{"type":"ADDED","object":{"value":"three","revision":5}}\n';
    assert.equal(one.frame.toString(), line);
  });

  it('takes the object that was remembered for the bytes', async () => {
    const value = bytes('any bytes');
    cache.remember(value, { value: 'remembered', revision: 0 });
    await storage.put('/things/c', value, 0);
    await cache.waitForCurrent();
    assert.deepEqual(cache.get('/things/c')?.object, { value: 'remembered', revision: 5 });
  });

  it('begins in the past, from what is recent and from the history of the store', async () => {
    const start = cache.revision;
    let revision = 0;
    for (let turn = 0; turn < 2 * RECENT_EVENTS; turn += 1) {
      revision = await mustPut(storage, '/things/c', `${turn}`, revision);
    }
    await cache.waitForCurrent();
    const values = async (after: number, count: number): Promise<string[]> =>
      (await take(watch(after), count)).map(({ current }) => current.object.value);
    assert.deepEqual(await values(revision - 2, 2), ['18', '19']);
    const all = Array.from({ length: 20 }, (_, turn) => `${turn}`);
    assert.deepEqual(await values(start, 20), all);
    const live = take(watch(start), 21);
    await settle();
    await mustDelete(storage, '/things/c', revision);
    assert.equal((await live).at(-1)?.type, 'DELETED');
    await storage.compact(start + 5);
    await assert.rejects(take(watch(start), 1), CompactedError);
  });

  it('passes only what concerns the watcher', async () => {
    const signal = controller.signal;
    const filter = ({ current }: ThingEvent): boolean => current.object.value === 'yes';
    const options = { afterRevision: cache.revision, prefix: '/things/n/', filter, signal };
    const events = take(cache.watch(options), 1);
    await mustPut(storage, '/things/m/a', 'yes');
    await mustPut(storage, '/things/n/a', 'no');
    await mustPut(storage, '/things/n/b', 'yes');
    assert.deepEqual((await events).map(describeThing), ['ADDED yes@7 from nothing']);
  });

  it('drops a watcher that does not take its events, and no other', async () => {
    const slow = watch(cache.revision)[Symbol.asyncIterator]();
    const count = BUFFER_EVENTS + 1;
    const quick = take(watch(cache.revision), count);
    for (let index = 0; index < count; index += 1) await mustPut(storage, `/things/${index}`, '');
    assert.equal((await quick).length, count);
    await assert.rejects(slow.next(), SlowWatcherError);
    assert.equal(cache.watchers, 0);
  });

  it('tells a watcher how far it is about every minute, or on request', async () => {
    const signal = controller.signal;
    const watching = cache.watch({ afterRevision: 4, bookmarks: true, signal });
    const batches = watching[Symbol.asyncIterator]();
    const next = batches.next();
    await mustPut(storage, '/others/a', '');
    await clock.advance(60_000);
    assert.deepEqual(await next, { done: false, value: { events: [], revision: 5 } });
    await mustPut(storage, '/others/b', '');
    await cache.waitForCurrent();
    watching.requestProgress();
    assert.deepEqual(await batches.next(), { done: false, value: { events: [], revision: 6 } });
    await batches.return?.();
  });

  it('turns a value that can no longer be read into a deletion', async () => {
    const events = take(watch(cache.revision), 1);
    await storage.put('/things/b', bytes('undecodable'), 1);
    assert.deepEqual((await events).map(describeThing), ['DELETED one@1 from one@1']);
    assert.equal(cache.get('/things/b'), undefined);
  });

  it('ends its watches when it is stopped', async () => {
    const watching = take(watch(cache.revision), 1);
    controller.abort();
    await running;
    assert.deepEqual(await watching, []);
  });
});

describe('WatchCache without its store', () => {
  it('lists again when history is gone, and ends the watches of before', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStorage({ clock });
    let failure: Error | undefined;
    const cut = new AbortController();
    const storage = new Proxy(memory, {
      get: (target, name) => {
        if (name !== 'watch') return Reflect.get(target, name).bind(target);
        return (prefix: string, after: number, signal: AbortSignal) => {
          if (failure === undefined) {
            return target.watch(prefix, after, AbortSignal.any([signal, cut.signal]));
          }
          const thrown = failure;
          failure = undefined;
          return (async function* () {
            yield { events: [], revision: after };
            throw thrown;
          })();
        };
      },
    });
    const cache = new WatchCache<string>({
      storage,
      prefix: '/',
      decode: (kv) => text(kv.value) ?? '',
      clock,
      logger: silentLogger,
    });
    const controller = new AbortController();
    const running = cache.run(controller.signal);
    await cache.waitFor(0);
    const watching = Array.fromAsync(cache.watch({ afterRevision: 0, signal: controller.signal }));
    failure = new CompactedError(1);
    cut.abort();
    await settle();
    await mustPut(memory, '/a', 'one');
    await clock.advance(10_000);
    assert.deepEqual(await watching, []);
    assert.ok(await cache.waitFor(1));
    assert.equal(cache.get('/a')?.object, 'one');
    controller.abort();
    await running;
    await memory.close();
  });
});

/** The first `count` events; fewer when the watch ends by itself. */
async function take(watching: CacheWatch<Thing>, count: number): Promise<ThingEvent[]> {
  const events: ThingEvent[] = [];
  let reached = 0;
  for await (const batch of watching as AsyncIterable<Batch<ThingEvent>>) {
    assert.ok(batch.revision >= reached);
    reached = batch.revision;
    events.push(...batch.events);
    if (events.length >= count) break;
  }
  return events;
}

function describeThing({ type, current, previous }: ThingEvent): string {
  const before = previous === undefined ? 'nothing' : nameOf(previous.object);
  return `${type} ${nameOf(current.object)} from ${before}`;
}

function nameOf({ value, revision }: Thing): string {
  return `${value}@${revision}`;
}
