import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { openEmbeddedStorage } from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import type { KeyValue, Storage } from '../../../apiserver/storage/storage.ts';
import { WatchCache } from '../../../apiserver/storage/watch-cache/watch-cache.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { startEtcd } from '../../support/etcd-server.ts';
import { bytes, text } from '../../support/storage-harness.ts';

const WRITERS = 6;
const TURNS = 25;

/**
 * Each writer increases a counter through one store, and after each acknowledged write asks the cache
 * of another for a read that must not be older; in between everybody writes keys of another prefix.
 */
async function readsAreConsistent(stores: readonly Storage[]): Promise<void> {
  const controller = new AbortController();
  let remembered = 0;
  const caches = stores.map((storage) => {
    const decode = (kv: KeyValue, known: number | undefined): number => {
      if (known !== undefined) remembered += 1;
      return known ?? Number(text(kv.value));
    };
    const prefix = '/counters/';
    return new WatchCache({ storage, prefix, decode, clock: systemClock, logger: silentLogger });
  });
  const running = caches.map((cache) => cache.run(controller.signal));
  for (const cache of caches) assert.ok(await cache.waitFor(0));
  const writer = async (name: number): Promise<void> => {
    const storage = stores[name % stores.length];
    const ownCache = caches[name % stores.length];
    const cache = caches[(name + 1) % caches.length];
    assert.ok(storage !== undefined && ownCache !== undefined && cache !== undefined);
    const key = `/counters/${name}`;
    let expected = 0;
    for (let turn = 1; turn <= TURNS; turn += 1) {
      const value = bytes(`${turn}`);
      ownCache.remember(value, turn);
      const result = await storage.put(key, value, expected);
      assert.ok(result.kind === 'ok');
      expected = result.revision;
      await storage.put(`/noise/${name}-${turn}`, bytes(''), 0);
      assert.ok(await cache.waitForCurrent(), 'The cache did not come as far as its store');
      assert.equal(cache.get(key)?.object, turn);
      assert.equal(cache.get(key)?.revision, expected);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
  for (const cache of caches) assert.ok(await cache.waitForCurrent());
  // No cache decoded what its own process had written.
  assert.equal(remembered, WRITERS * TURNS);
  controller.abort();
  await Promise.all(running);
}

describe('A consistent read from a watch cache', () => {
  it('sees every acknowledged write to the embedded store', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-reads-'));
    const storage = openEmbeddedStorage({ dir, clock: systemClock, logger: silentLogger });
    try {
      await readsAreConsistent([storage]);
    } finally {
      await storage.close();
      rmSync(dir, { recursive: true });
    }
  });

  it('sees every acknowledged write to etcd, of any API server', async () => {
    const etcd = await startEtcd();
    const options = { endpoints: [etcd.endpoint], clock: systemClock, logger: silentLogger };
    const stores = [await openEtcdStorage(options), await openEtcdStorage(options)];
    try {
      await readsAreConsistent(stores);
    } finally {
      for (const storage of stores) await storage.close();
      await etcd.dispose();
    }
  });
});
