import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { openEmbeddedStorage } from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { EtcdClient } from '../../../apiserver/storage/etcd/etcd-client.ts';
import { openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import { HistoryKeeper } from '../../../apiserver/storage/etcd/history-keeper.ts';
import { Leases } from '../../../apiserver/storage/etcd/leases.ts';
import { CompactedError, type Storage } from '../../../apiserver/storage/storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { mustPut } from '../../support/storage-harness.ts';

const MINUTE_MS = 60_000;

describe('History', () => {
  it('of the embedded store is kept for five minutes, then forgotten by itself', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-history-'));
    const clock = new FakeClock();
    const storage = openEmbeddedStorage({ dir, clock, logger: silentLogger });
    try {
      const first = await mustPut(storage, '/kept/a', 'one');
      const second = await mustPut(storage, '/kept/a', 'two', first);
      await clock.advance(MINUTE_MS);
      await mustPut(storage, '/kept/a', 'three', second);
      await clock.advance(4 * MINUTE_MS - 1);
      assert.equal((await storage.list('/kept/', { revision: first })).kvs.length, 1);
      await clock.advance(2 * MINUTE_MS);
      await eventually('the compaction', () => isCompacted(storage, first));
      // What was the newest five minutes before is kept.
      assert.equal(await isCompacted(storage, second), false);
    } finally {
      await storage.close();
      rmSync(dir, { recursive: true });
    }
    assert.equal(clock.pending, 0);
  });

  it('of etcd is kept since the time before, and one API server has each turn', async () => {
    await withEtcd(async ({ endpoint }, closing) => {
      const endpoints = [endpoint];
      const clock = systemClock;
      const storage = await openEtcdStorage({ endpoints, clock, logger: silentLogger });
      const client = new EtcdClient(endpoints, clock);
      closing.push(
        () => client.close(),
        () => storage.close(),
      );
      const keepers = [1, 2].map(() => new HistoryKeeper({ client, clock, logger: silentLogger }));
      const turn = async (): Promise<void> => {
        for (const keeper of keepers) await keeper.compactOnce();
      };
      const first = await mustPut(storage, '/kept/a', 'one');
      const second = await mustPut(storage, '/kept/a', 'two', first);
      await turn();
      const third = await mustPut(storage, '/kept/a', 'three', second);
      assert.equal(await isCompacted(storage, first), false);
      await turn();
      assert.equal(await isCompacted(storage, first), true);
      // The first turn wrote the key of the agreement, at the revision after the second.
      assert.equal(await isCompacted(storage, second + 1), false);
      await mustPut(storage, '/kept/a', 'four', third);
      // Both have had a turn with the second one's key since: a third keeper begins anew.
      await new HistoryKeeper({ client, clock, logger: silentLogger }).compactOnce();
      assert.equal(await isCompacted(storage, third), false);
    });
  });

  it('of leases: values written together share one, later ones do not', async () => {
    await withEtcd(async ({ endpoint }, closing) => {
      const client = new EtcdClient([endpoint], systemClock);
      closing.push(() => client.close());
      const clock = new FakeClock();
      const leases = new Leases(client, clock);
      const together = await Promise.all([leases.get(3600), leases.get(3600), leases.get(60)]);
      assert.equal(together[0], together[1]);
      assert.notEqual(together[0], together[2]);
      await clock.advance(59_000);
      assert.equal(await leases.get(3600), together[0]);
      await clock.advance(1000);
      assert.notEqual(await leases.get(3600), together[0]);
    });
  });
});

async function isCompacted(storage: Storage, revision: number): Promise<boolean> {
  try {
    await storage.list('/kept/', { revision });
    return false;
  } catch (error) {
    if (error instanceof CompactedError) return true;
    throw error;
  }
}

type Close = () => void | Promise<void>;

/** `closing` is called at the end, however that comes. */
async function withEtcd(
  run: (server: EtcdServer, closing: Close[]) => Promise<void>,
): Promise<void> {
  const server = await startEtcd();
  const closing: Close[] = [];
  try {
    await run(server, closing);
  } finally {
    for (const close of closing) await close();
    await server.dispose();
  }
}
