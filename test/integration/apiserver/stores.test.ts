import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import type { Storage } from '../../../apiserver/storage/storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

/** What depends on the store beneath: versions, conflicts, pages, watches, and two servers at once. */
function suite(name: string, open: () => Promise<Storage>, close: () => Promise<void>): void {
  describe(`API servers on ${name}`, () => {
    let storage: Storage;
    let one: TestApiServer;
    let two: TestApiServer;
    before(async () => {
      storage = await open();
      one = await startTestApiServer({ storage });
      two = await startTestApiServer({ storage });
    });
    after(async () => {
      await one.stop();
      await two.stop();
      await storage.close();
      await close();
    });

    it('see what another one has written, at once', async () => {
      for (let n = 0; n < 5; n += 1) {
        const body = { metadata: { name: `seen-${n}` }, data: { n: String(n) } };
        assert.equal((await one.send('POST', CONFIGMAPS, { body })).code, 201);
        const read = await two.send('GET', `${CONFIGMAPS}/seen-${n}`);
        assert.equal(read.body.data?.n, String(n));
        const changed = await two.send('PUT', `${CONFIGMAPS}/seen-${n}`, {
          body: { ...body, data: {} },
        });
        assert.equal(changed.code, 200);
        const stale = await one.send('PUT', `${CONFIGMAPS}/seen-${n}`, { body: read.body });
        assert.equal(stale.code, 409);
        assert.equal((await one.send('GET', `${CONFIGMAPS}/seen-${n}`)).body.data, undefined);
      }
    });

    it('lose no patch of many at both', async () => {
      await one.send('POST', CONFIGMAPS, { body: { metadata: { name: 'shared' } } });
      const keys = Array.from({ length: 8 }, (_, n) => `k${n}`);
      const patched = await Promise.all(
        keys.map((key, n) =>
          (n % 2 === 0 ? one : two).send('PATCH', `${CONFIGMAPS}/shared`, {
            body: { data: { [key]: '1' } },
            contentType: 'application/merge-patch+json',
          }),
        ),
      );
      assert.deepEqual(
        patched.map(({ code }) => code),
        keys.map(() => 200),
      );
      const { body } = await one.send('GET', `${CONFIGMAPS}/shared`);
      assert.deepEqual(Object.keys(body.data).sort(), keys);
    });

    it('send changes that another one made to their watchers', async () => {
      const watch = await one.watch(`${CONFIGMAPS}?watch=true&fieldSelector=metadata.name%3Dw`);
      const made = await two.send('POST', CONFIGMAPS, { body: { metadata: { name: 'w' } } });
      const added = await watch.next();
      assert.deepEqual(added.object, made.body);
      await two.send('DELETE', `${CONFIGMAPS}/w`);
      const deleted = await watch.next();
      assert.equal(deleted.type, 'DELETED');
      assert.ok(
        Number(deleted.object.metadata.resourceVersion) >
          Number(made.body.metadata.resourceVersion),
      );
      watch.close();
    });

    it('give pages that go on at another one', async () => {
      const first = await one.send('GET', `${CONFIGMAPS}?limit=2`);
      const token = first.body.metadata.continue;
      const second = await two.send('GET', `${CONFIGMAPS}?continue=${token}`);
      assert.equal(second.code, 200);
      assert.equal(second.body.items.length, first.body.metadata.remainingItemCount);
      assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    });
  });
}

let etcd: EtcdServer | undefined;
suite(
  'etcd',
  async () => {
    etcd = await startEtcd();
    const endpoints = [etcd.endpoint];
    return openEtcdStorage({ endpoints, clock: systemClock, logger: silentLogger });
  },
  async () => etcd?.dispose(),
);

suite(
  'memory',
  async () => new MemoryStorage({ clock: systemClock }),
  async () => undefined,
);
