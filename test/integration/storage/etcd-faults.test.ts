import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type EtcdStorage, openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import { CompactedError } from '../../../apiserver/storage/storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts';
import { eventually } from '../../support/eventually.ts';
import { bytes, mustPut, takeEvents, text } from '../../support/storage-harness.ts';

const PAGED_VALUES = 24;
const PAGED_VALUE_BYTES = 1_000_000;
const KILLS = 3;

describe('etcd, through what happens to it', () => {
  let etcd: EtcdServer;
  const storages: EtcdStorage[] = [];
  const open = async (): Promise<EtcdStorage> => {
    const endpoints = [etcd.endpoint];
    const storage = await openEtcdStorage({ endpoints, clock: systemClock, logger: silentLogger });
    storages.push(storage);
    return storage;
  };

  before(async () => {
    etcd = await startEtcd();
  });

  after(async () => {
    for (const storage of storages) await storage.close();
    await etcd.dispose();
  });

  it('is listed in pages where an answer would be too large', async () => {
    const storage = await open();
    const value = 'x'.repeat(PAGED_VALUE_BYTES);
    for (let index = 0; index < PAGED_VALUES; index += 1) {
      await mustPut(storage, `/paged/${String(index).padStart(2, '0')}`, value);
    }
    const { kvs, more } = await storage.list('/paged/');
    assert.deepEqual([kvs.length, more], [PAGED_VALUES, false]);
    assert.ok(kvs.every(({ value: kept }) => kept.length === PAGED_VALUE_BYTES));
    const start = kvs[0]?.createRevision ?? 0;
    const events = await takeEvents(await open(), '/paged/', start - 1, PAGED_VALUES);
    assert.deepEqual(
      events.map(({ kv }) => kv.key),
      kvs.map(({ key }) => key),
    );
  });

  it('gives another client the past, until that is compacted', async () => {
    const storage = await open();
    const first = await mustPut(storage, '/past/a', 'one');
    await mustPut(storage, '/past/b', 'two');
    const third = await mustPut(storage, '/past/c', 'three');
    const live = takeEvents(await open(), '/past/', first, 3);
    await mustPut(storage, '/past/d', 'four');
    assert.deepEqual(
      (await live).map(({ kv }) => text(kv.value)),
      ['two', 'three', 'four'],
    );
    await storage.compact(third);
    const expected = (error: unknown): boolean =>
      error instanceof CompactedError && error.compactRevision === third;
    await assert.rejects(takeEvents(await open(), '/past/', first, 1), expected);
  });

  it('may be killed: watches go on without a gap, and reads wait for it', async () => {
    const storage = await open();
    const start = await mustPut(storage, '/killed/a', 'one');
    const watching = takeEvents(storage, '/killed/', start, 4);
    await mustPut(storage, '/killed/b', 'two');
    await etcd.kill();
    const reading = storage.get('/killed/a');
    const writing = storage.put('/killed/c', bytes('three'), 0).catch((error: unknown) => error);
    await etcd.start();
    assert.equal(text((await reading).kv?.value), 'one');
    const written = await writing;
    const kvBefore = (await storage.get('/killed/c')).kv;
    if (written instanceof Error) assert.equal(kvBefore, undefined);
    else assert.equal(text(kvBefore?.value), 'three');
    if (kvBefore === undefined) await mustPut(storage, '/killed/c', 'three');
    await mustPut(storage, '/killed/d', 'four');
    await mustPut(storage, '/killed/e', 'five');
    assert.deepEqual(
      (await watching).map(({ kv }) => text(kv.value)),
      ['two', 'three', 'four', 'five'],
    );
  });

  it('may be killed again and again while it is written: no write is lost, none conflicts with itself', async () => {
    const storage = await open();
    const start = await storage.currentRevision();
    const acknowledged = new Map<string, number>();
    const conflicts: string[] = [];
    const stop = new AbortController();
    let writes = 0;
    const writer = async (name: number): Promise<void> => {
      const key = `/torn/${name}`;
      let expected = 0;
      for (let turn = 0; !stop.signal.aborted; turn += 1) {
        // Each writer is the only one of its key.
        const result = await storage.put(key, bytes(`${name}-${turn}`), expected);
        if (result.kind === 'conflict') {
          conflicts.push(`${key} ${turn}: expected ${expected}, ${result.current?.modRevision}`);
          return;
        }
        expected = result.revision;
        acknowledged.set(key, turn);
        writes += 1;
      }
    };
    const writing = Promise.all(Array.from({ length: 16 }, (_, name) => writer(name)));
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await eventually(`${300 * kill} writes`, () => writes >= 300 * kill);
      await etcd.kill();
      await etcd.start();
    }
    stop.abort();
    await writing;
    assert.deepEqual(conflicts, []);
    const { kvs } = await storage.list('/torn/');
    assert.equal(kvs.length, 16);
    for (const kv of kvs) {
      const turn = Number(text(kv.value)?.split('-')[1]);
      assert.ok(turn >= (acknowledged.get(kv.key) ?? 0), `"${kv.key}" lost a write`);
    }
    // Every version of every key was seen, in order, once.
    const events = await takeEvents(storage, '/torn/', start, writes);
    for (const kv of kvs) {
      const turns = events
        .filter((event) => event.kv.key === kv.key)
        .map((event) => Number(text(event.kv.value)?.split('-')[1]));
      assert.deepEqual(
        turns,
        Array.from({ length: turns.length }, (_, turn) => turn),
      );
    }
  });

  it('is named when it is not there', async () => {
    const endpoints = ['http://127.0.0.1:1'];
    const opening = openEtcdStorage({ endpoints, clock: systemClock, logger: silentLogger });
    await assert.rejects(opening, {
      name: 'EtcdUnavailableError',
      message: 'Could not connect (etcd at http://127.0.0.1:1): it does not answer',
    });
  });
});
