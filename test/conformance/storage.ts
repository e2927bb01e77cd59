/**
 * What every Storage must do. `storageConformance(name, make)` is run for the embedded one, for etcd
 * and for the model in memory.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type ListResult,
  SlowWatcherError,
  type Storage,
} from '../../apiserver/storage/storage.ts';
import {
  bytes,
  describeEvent,
  mustDelete,
  mustPut,
  type StorageHarness,
  TEST_DEADLINE_MS,
  takeEvents,
  text,
} from '../support/storage-harness.ts';

/** As large as etcd takes by default, with room for the rest of the request. */
const BIG_VALUE_BYTES = 1_500_000;

/** What a store is for: a model in memory has nothing to come back to. */
export type Durability = 'keeps its data' | 'forgets';

/** Tests share one store, each in a folder of its own. */
export function storageConformance(
  name: string,
  durability: Durability,
  make: () => Promise<StorageHarness>,
): void {
  describe(`${name} is a Storage`, { timeout: 10 * TEST_DEADLINE_MS }, () => {
    let harness: StorageHarness;
    const storage = (): Storage => harness.storage;
    before(async () => {
      harness = await make();
    });
    after(() => harness.dispose());
    writes(storage);
    lists(storage);
    watches(storage, () => harness);
    concurrency(storage);
    expiry(() => harness);
    if (durability === 'keeps its data') restarts(() => harness);
    // The last one: it forgets the history of the others.
    compaction(storage);
  });
}

function writes(storage: () => Storage): void {
  describe('put and delete', () => {
    it('creates, updates and deletes at the expected revision', async () => {
      const key = '/writes/a';
      const created = await mustPut(storage(), key, 'one');
      const updated = await mustPut(storage(), key, 'two', created);
      assert.ok(updated > created);
      const { kv, revision } = await storage().get(key);
      assert.ok(revision >= updated);
      assert.equal(text(kv?.value), 'two');
      assert.deepEqual([kv?.key, kv?.createRevision, kv?.modRevision], [key, created, updated]);
      const deleted = await mustDelete(storage(), key, updated);
      assert.ok(deleted > updated);
      assert.equal((await storage().get(key)).kv, undefined);
      const again = await mustPut(storage(), key, 'three');
      assert.equal((await storage().get(key)).kv?.createRevision, again);
    });

    it('answers a conflict with what is there, and changes nothing', async () => {
      const key = '/writes/b';
      const absent = await storage().put(key, bytes('x'), 7);
      assert.deepEqual(absent, { kind: 'conflict', current: undefined });
      assert.deepEqual(await storage().delete(key, 7), { kind: 'conflict', current: undefined });
      const revision = await mustPut(storage(), key, 'one');
      const conflicts = [
        await storage().put(key, bytes('x'), 0),
        await storage().put(key, bytes('x'), revision + 1),
        await storage().delete(key, revision + 1),
      ];
      for (const result of conflicts) {
        assert.equal(result.kind, 'conflict');
        const current = result.kind === 'conflict' ? result.current : undefined;
        assert.equal(text(current?.value), 'one');
        assert.equal(current?.modRevision, revision);
      }
      assert.equal((await storage().get(key)).kv?.modRevision, revision);
    });

    it('keeps any bytes, none, and as many as fit a request', async () => {
      const values = [
        new Uint8Array(0),
        Uint8Array.from({ length: 256 }, (_, index) => index),
        new Uint8Array(BIG_VALUE_BYTES).fill(7),
      ];
      for (const [index, value] of values.entries()) {
        const key = `/writes/bytes-${index}`;
        assert.equal((await storage().put(key, value, 0)).kind, 'ok');
        const { kv } = await storage().get(key);
        assert.ok(kv !== undefined && Buffer.from(kv.value).equals(Buffer.from(value)));
      }
    });

    it('counts every write, of whatever key, by one', async () => {
      const before = await storage().currentRevision();
      assert.equal(await mustPut(storage(), '/writes/c', ''), before + 1);
      assert.equal(await mustPut(storage(), '/writes-d', ''), before + 2);
      assert.equal(await storage().currentRevision(), before + 2);
    });
  });
}

function lists(storage: () => Storage): void {
  describe('list', () => {
    it('gives the keys of a prefix in the order of their bytes', async () => {
      const names = ['b', 'a', 'a/b', 'a0', 'ab', 'é', '\ue000', '\u{1f600}', 'Z'];
      for (const name of names) await mustPut(storage(), `/order/${name}`, name);
      await mustPut(storage(), '/order', 'not below');
      await mustPut(storage(), '/order0', 'not below');
      const { kvs, more, remaining } = await storage().list('/order/');
      const want = names.map((name) => Buffer.from(`/order/${name}`)).sort(Buffer.compare);
      assert.deepEqual(
        kvs.map(({ key }) => key),
        want.map((key) => key.toString()),
      );
      assert.deepEqual([more, remaining], [false, 0]);
    });

    it('gives nothing where nothing is', async () => {
      const before = await storage().currentRevision();
      const result = await storage().list('/nothing/');
      assert.deepEqual(result, { revision: before, kvs: [], more: false, remaining: 0 });
    });

    it('gives one snapshot in pages while writes go on', async () => {
      for (let index = 0; index < 25; index += 1) {
        await mustPut(storage(), `/pages/${String(index).padStart(2, '0')}`, 'old');
      }
      const first = await storage().list('/pages/', { limit: 10 });
      assert.deepEqual([first.kvs.length, first.more, first.remaining], [10, true, 15]);
      const [, second] = first.kvs;
      await mustDelete(storage(), '/pages/12', (await revisionOf(storage(), '/pages/12')) ?? 0);
      await mustPut(storage(), '/pages/15', 'new', await revisionOf(storage(), '/pages/15'));
      await mustPut(storage(), '/pages/15a', 'new');
      await mustPut(storage(), '/pages/24', 'new', await revisionOf(storage(), '/pages/24'));
      await mustDelete(storage(), '/pages/24', (await revisionOf(storage(), '/pages/24')) ?? 0);
      await mustPut(storage(), '/pages/24', 'newer');
      assert.ok(second !== undefined);
      await mustPut(storage(), second.key, 'new', second.modRevision);
      const pages = [first];
      for (let page = first; page.more; ) {
        const startAfter = page.kvs.at(-1)?.key ?? '';
        page = await storage().list('/pages/', { limit: 10, startAfter, revision: first.revision });
        assert.equal(page.revision, first.revision);
        pages.push(page);
      }
      assert.deepEqual(
        pages.map((page) => page.remaining),
        [15, 5, 0],
      );
      const all = pages.flatMap(({ kvs }) => kvs);
      assert.equal(all.length, 25);
      assert.ok(all.every(({ value }) => text(value) === 'old'));
      const now = await storage().list('/pages/');
      assert.equal(now.kvs.filter(({ value }) => text(value) !== 'old').length, 4);
    });

    it('gives the state as of an older revision', async () => {
      const a1 = await mustPut(storage(), '/old/a', 'a1');
      const b1 = await mustPut(storage(), '/old/b', 'b1');
      const a2 = await mustPut(storage(), '/old/a', 'a2', a1);
      const b2 = await mustDelete(storage(), '/old/b', b1);
      const b3 = await mustPut(storage(), '/old/b', 'b3');
      const at = async (revision: number): Promise<string> => {
        const { kvs } = await storage().list('/old/', { revision });
        return kvs.map((kv) => `${text(kv.value)}@${kv.createRevision}:${kv.modRevision}`).join();
      };
      assert.equal(await at(a1), `a1@${a1}:${a1}`);
      assert.equal(await at(b1), `a1@${a1}:${a1},b1@${b1}:${b1}`);
      assert.equal(await at(a2), `a2@${a1}:${a2},b1@${b1}:${b1}`);
      assert.equal(await at(b2), `a2@${a1}:${a2}`);
      assert.equal(await at(b3), `a2@${a1}:${a2},b3@${b3}:${b3}`);
    });

    it('refuses a revision that has not been reached', async () => {
      const revision = (await storage().currentRevision()) + 100;
      await assert.rejects(storage().list('/old/', { revision }), FutureRevisionError);
    });
  });
}

function watches(storage: () => Storage, harness: () => StorageHarness): void {
  describe('watch', () => {
    it('gives the past after a revision, then what comes, without a gap', async () => {
      const first = await mustPut(storage(), '/watch/a', 'one');
      const second = await mustPut(storage(), '/watch/a', 'two', first);
      const third = await mustDelete(storage(), '/watch/a', second);
      const watching = takeEvents(storage(), '/watch/', first, 4);
      const fourth = await mustPut(storage(), '/watch/a', 'three');
      const fifth = await mustPut(storage(), '/watch/b', 'four');
      assert.deepEqual((await watching).map(describeEvent), [
        `put /watch/a two ${first}:${second}<${first}`,
        `delete /watch/a two ${first}:${third}<${second}`,
        `put /watch/a three ${fourth}:${fourth}<0`,
        `put /watch/b four ${fifth}:${fifth}<0`,
      ]);
    });

    it('gives only keys of its prefix', async () => {
      const start = await storage().currentRevision();
      await mustPut(storage(), '/isolated', 'no');
      await mustPut(storage(), '/isolated-too/a', 'no');
      await mustPut(storage(), '/isolated0', 'no');
      const watching = takeEvents(storage(), '/isolated/', start, 2);
      await mustPut(storage(), '/isolated/a', 'yes');
      await mustPut(storage(), '/isolate/b', 'no');
      await mustPut(storage(), '/isolated/b', 'yes');
      const keys = (await watching).map(({ kv }) => kv.key);
      assert.deepEqual(keys, ['/isolated/a', '/isolated/b']);
    });

    it('tells how far it is when only other keys are written', async () => {
      const start = await storage().currentRevision();
      const signal = AbortSignal.timeout(TEST_DEADLINE_MS);
      const watching = (async () => {
        for await (const batch of storage().watch('/quiet/', start, signal)) {
          assert.deepEqual(batch.events, []);
          if (batch.revision > start) return batch.revision;
        }
        return 0;
      })();
      const other = await mustPut(storage(), '/loud/a', '');
      assert.ok((await watching) >= other);
    });

    it('ends when its signal is aborted', async () => {
      const controller = new AbortController();
      const start = await storage().currentRevision();
      let batches = 0;
      const watching = (async () => {
        for await (const batch of storage().watch('/aborted/', start, controller.signal)) {
          batches += batch.events.length;
          controller.abort();
        }
      })();
      await mustPut(storage(), '/aborted/a', '');
      await watching;
      assert.equal(batches, 1);
      for await (const batch of storage().watch('/aborted/', start, AbortSignal.abort())) {
        assert.fail(`An aborted watch gave revision ${batch.revision}`);
      }
    });

    it('drops a watcher that does not take its events', async () => {
      const start = await storage().currentRevision();
      const signal = AbortSignal.timeout(TEST_DEADLINE_MS);
      const watch = storage().watch('/slow/', start, signal)[Symbol.asyncIterator]();
      const taking = watch.next();
      await mustPut(storage(), '/slow/first', '');
      assert.ok(!(await taking).done);
      const count = harness().watchBufferEvents * 2 + 2;
      const keys = Array.from({ length: count }, (_, index) => `/slow/${index}`);
      await Promise.all(keys.map((key) => mustPut(storage(), key, '')));
      // Real stores deliver a little later than they acknowledge.
      await takeEvents(storage(), '/slow/', start, count);
      const drain = async (): Promise<void> => {
        while (!(await watch.next()).done);
      };
      await assert.rejects(drain(), SlowWatcherError);
      // Another one may begin where this one ended.
      assert.equal((await takeEvents(storage(), '/slow/', start, count + 1)).length, count + 1);
    });
  });
}

function concurrency(storage: () => Storage): void {
  describe('with many writers', () => {
    it('lets exactly one win each revision of a key', async () => {
      const key = '/race/one';
      const start = await mustPut(storage(), key, 'start');
      const wins: number[] = [];
      const writer = async (name: number): Promise<void> => {
        let expected = start;
        for (let turn = 0; turn < 10; turn += 1) {
          const result = await storage().put(key, bytes(`${name}`), expected);
          if (result.kind === 'ok') wins.push(result.revision);
          expected = result.kind === 'ok' ? result.revision : (result.current?.modRevision ?? 0);
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, name) => writer(name)));
      assert.equal(new Set(wins).size, wins.length);
      const events = await takeEvents(storage(), '/race/', start, wins.length);
      const revisions = events.map(({ kv }) => kv.modRevision);
      assert.deepEqual(
        revisions,
        [...wins].sort((a, b) => a - b),
      );
      assert.deepEqual(
        events.map(({ previous }) => previous?.modRevision),
        [start, ...revisions.slice(0, -1)],
      );
      assert.equal(await revisionOf(storage(), key), revisions.at(-1));
    });

    it('gives every watcher every event in order', async () => {
      const start = await storage().currentRevision();
      const writers = 8;
      const each = 20;
      const watching = Array.from({ length: 3 }, () =>
        takeEvents(storage(), '/order-of-events/', start, writers * each),
      );
      const write = async (writer: number): Promise<void> => {
        let revision = 0;
        for (let turn = 0; turn < each; turn += 1) {
          revision = await mustPut(storage(), `/order-of-events/${writer}`, `${turn}`, revision);
        }
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      const [first = [], ...others] = await Promise.all(watching);
      for (const other of others) {
        assert.deepEqual(other.map(describeEvent), first.map(describeEvent));
      }
      for (let writer = 0; writer < writers; writer += 1) {
        const own = first.filter(({ kv }) => kv.key === `/order-of-events/${writer}`);
        assert.deepEqual(
          own.map(({ kv }) => text(kv.value)),
          Array.from({ length: each }, (_, turn) => `${turn}`),
        );
      }
    });

    it('gives a list, and a watch from there, that add up to the end state', async () => {
      const writing = Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          mustPut(storage(), `/sum/${index % 7}-${index}`, ''),
        ),
      );
      await mustPut(storage(), '/sum/first', '');
      const list = await storage().list('/sum/');
      await writing;
      const events = await takeEvents(storage(), '/sum/', list.revision, 61 - list.kvs.length);
      const keys = [...list.kvs, ...events.map(({ kv }) => kv)].map(({ key }) => key);
      assert.equal(new Set(keys).size, 61);
      assert.ok(events.every(({ kv }) => kv.modRevision > list.revision));
    });
  });
}

function expiry(harness: () => StorageHarness): void {
  describe('time to live', () => {
    it('deletes a key when its time to live is over, unless written again', async () => {
      const { storage } = harness();
      const start = await storage.currentRevision();
      const ttl = { ttlSeconds: 1 };
      await storage.put('/ttl/short', bytes('a'), 0, ttl);
      const kept = await storage.put('/ttl/kept', bytes('b'), 0, ttl);
      assert.ok(kept.kind === 'ok');
      await storage.put('/ttl/kept', bytes('c'), kept.revision);
      const watching = takeEvents(storage, '/ttl/', start, 4);
      await harness().elapse(60_000);
      const last = (await watching).at(-1);
      assert.deepEqual(
        [last?.type, last?.kv.key, text(last?.kv.value)],
        ['delete', '/ttl/short', 'a'],
      );
      const { kvs } = await storage.list('/ttl/');
      assert.deepEqual(
        kvs.map(({ key }) => key),
        ['/ttl/kept'],
      );
    });
  });
}

function restarts(harness: () => StorageHarness): void {
  describe('closed and opened again', () => {
    it('has everything, and its past, and goes on counting down', async () => {
      const { reopen, storage } = harness();
      assert.ok(reopen !== undefined);
      const first = await mustPut(storage, '/kept/a', 'one');
      await mustPut(storage, '/kept/b', 'two');
      await mustPut(storage, '/kept/a', 'three', first);
      await storage.put('/kept/short', bytes('x'), 0, { ttlSeconds: 3 });
      const before = await summary(storage);
      const opened = await reopen();
      assert.deepEqual(await summary(opened), before);
      const old = await opened.list('/kept/', { revision: first });
      assert.equal(text(old.kvs[0]?.value), 'one');
      const events = await takeEvents(opened, '/kept/', first, 4);
      assert.equal(events.at(-1)?.type, 'delete');
      assert.equal(events.at(-1)?.kv.key, '/kept/short');
    });
  });
}

function compaction(storage: () => Storage): void {
  describe('compact', () => {
    it('forgets the past, keeps what is current, and says so to who asks for more', async () => {
      const first = await mustPut(storage(), '/compact/a', 'one');
      await mustPut(storage(), '/compact/still', 'kept');
      const gone = await mustPut(storage(), '/compact/gone', 'x');
      await mustDelete(storage(), '/compact/gone', gone);
      const second = await mustPut(storage(), '/compact/a', 'two', first);
      const third = await mustPut(storage(), '/compact/a', 'three', second);
      await storage().compact(second);
      await storage().compact(second);
      const compacted = (error: unknown): boolean =>
        error instanceof CompactedError && error.compactRevision === second;
      await assert.rejects(storage().list('/compact/', { revision: first }), compacted);
      // A store may remember what it told others a moment ago; what it must not do is leave a gap.
      const past = await takeEvents(storage(), '/compact/', first, 1).catch((error: unknown) => {
        assert.ok(compacted(error));
      });
      assert.ok(past === undefined || past[0]?.kv.modRevision === first + 1);
      const at = await storage().list('/compact/', { revision: second });
      assert.deepEqual(values(at), ['two', 'kept']);
      assert.deepEqual(values(await storage().list('/compact/')), ['three', 'kept']);
      const [event] = await takeEvents(storage(), '/compact/', second, 1);
      assert.equal(event?.kv.modRevision, third);
      assert.equal(event?.previous?.modRevision, second);
      const future = (await storage().currentRevision()) + 1;
      await assert.rejects(storage().compact(future), FutureRevisionError);
    });

    it('leaves a watch that is up to date alone', async () => {
      const start = await mustPut(storage(), '/compact-live/a', '');
      const controller = new AbortController();
      const watch = storage().watch('/compact-live/', start - 1, controller.signal);
      const iterator = watch[Symbol.asyncIterator]();
      await iterator.next();
      await mustPut(storage(), '/compact-live/b', '');
      await storage().compact(await storage().currentRevision());
      await mustPut(storage(), '/compact-live/c', '');
      const keys: string[] = [];
      while (keys.length < 2) {
        const next = await iterator.next();
        assert.ok(next.done !== true);
        keys.push(...next.value.events.map(({ kv }: { kv: KeyValue }) => kv.key));
      }
      assert.deepEqual(keys, ['/compact-live/b', '/compact-live/c']);
      controller.abort();
      assert.equal((await iterator.next()).done, true);
    });
  });
}

async function revisionOf(storage: Storage, key: string): Promise<number | undefined> {
  return (await storage.get(key)).kv?.modRevision;
}

async function summary(storage: Storage): Promise<unknown> {
  const { revision, kvs } = await storage.list('/kept/');
  const all = kvs.map((kv) => [kv.key, text(kv.value), kv.createRevision, kv.modRevision]);
  return { revision, all, current: await storage.currentRevision() };
}

function values({ kvs }: ListResult): (string | undefined)[] {
  return kvs.map(({ value }) => text(value));
}
