import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describe('watch', () => {
  let server: TestApiServer;
  let count = 0;
  let base = '';

  async function make(name: string, labels: Record<string, string> = {}): Promise<string> {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels } };
    return (await server.send('POST', base, { body })).body.metadata.resourceVersion;
  }

  async function label(name: string, labels: Record<string, string | null>): Promise<string> {
    const response = await server.send('PATCH', `${base}/${name}`, {
      body: { metadata: { labels } },
      contentType: 'application/merge-patch+json',
    });
    return response.body.metadata.resourceVersion;
  }

  before(async () => {
    server = await startTestApiServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    count += 1;
    const name = `watch-${count}`;
    base = `/api/v1/namespaces/${name}/configmaps`;
    await server.send('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    });
  });

  it('answers at once, before there is anything to say', async () => {
    const watch = await server.watch(`${base}?watch=true`);
    assert.equal(watch.code, 200);
    assert.equal(watch.headers['content-type'], 'application/json');
    watch.close();
  });

  for (const version of ['', '&resourceVersion=0']) {
    it(`sends what is there, then changes ("${version}")`, async () => {
      await make('a');
      const watch = await server.watch(`${base}?watch=1${version}`);
      const first = await watch.next();
      assert.equal(first.type, 'ADDED');
      assert.equal(first.object.kind, 'ConfigMap');
      assert.equal(first.object.apiVersion, 'v1');
      assert.equal(first.object.metadata.name, 'a');
      const changed = await label('a', { x: 'y' });
      const second = await watch.next();
      assert.equal(second.type, 'MODIFIED');
      assert.equal(second.object.metadata.resourceVersion, changed);
      await server.send('DELETE', `${base}/a`);
      const third = await watch.next();
      assert.equal(third.type, 'DELETED');
      assert.ok(Number(third.object.metadata.resourceVersion) > Number(changed));
      watch.close();
    });
  }

  it('sends only what comes after a version', async () => {
    const version = await make('a');
    await make('b');
    const watch = await server.watch(`${base}?watch=true&resourceVersion=${version}`);
    assert.equal((await watch.next()).object.metadata.name, 'b');
    watch.close();
  });

  it('sees objects come into a selection and leave it', async () => {
    const watch = await server.watch(`${base}?watch=true&labelSelector=in%3Dyes`);
    await make('a');
    const entered = await label('a', { in: 'yes' });
    const added = await watch.next();
    assert.deepEqual([added.type, added.object.metadata.resourceVersion], ['ADDED', entered]);
    await label('a', { other: '1' });
    assert.equal((await watch.next()).type, 'MODIFIED');
    const left = await label('a', { in: null });
    const gone = await watch.next();
    assert.equal(gone.type, 'DELETED');
    assert.equal(gone.object.metadata.labels.in, 'yes');
    assert.equal(gone.object.metadata.resourceVersion, left);
    watch.close();
  });

  it('watches one object by its name', async () => {
    await make('ab');
    await make('a');
    const watch = await server.watch(
      `${base}?watch=true&fieldSelector=metadata.name%3Da&resourceVersion=0`,
    );
    assert.equal((await watch.next()).object.metadata.name, 'a');
    await label('ab', { x: '1' });
    const version = await label('a', { x: '1' });
    assert.equal((await watch.next()).object.metadata.resourceVersion, version);
    watch.close();
  });

  it('sends an expired version as an error', async () => {
    const version = await make('a');
    // As many changes as no cache remembers would be needed; a store without the history does it.
    const old = Number(version) - 1;
    await server.storage.compact(Number(version));
    const fresh = await startTestApiServer({ storage: server.storage });
    const watch = await fresh.watch(`${base}?watch=true&resourceVersion=${old - 1}`);
    const event = await watch.next();
    assert.equal(event.type, 'ERROR');
    assert.equal(event.object.code, 410);
    assert.equal(event.object.reason, 'Expired');
    assert.equal(await watch.ended, true);
    await fresh.stop();
  });

  it('sends initial events, then the bookmark that ends them', async () => {
    await make('a');
    const watch = await server.watch(
      `${base}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    assert.equal((await watch.next()).type, 'ADDED');
    const bookmark = await watch.next();
    assert.equal(bookmark.type, 'BOOKMARK');
    assert.equal(bookmark.object.kind, 'ConfigMap');
    assert.equal(bookmark.object.apiVersion, 'v1');
    assert.equal(bookmark.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
    const version = await make('b');
    const live = await watch.next();
    assert.deepEqual([live.type, live.object.metadata.resourceVersion], ['ADDED', version]);
    watch.close();
    const wrong = await server.send('GET', `${base}?watch=true&sendInitialEvents=true`);
    assert.equal(wrong.code, 422);
  });

  it('ends after its timeout, with a last bookmark', async () => {
    const watch = await server.watch(
      `${base}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`,
    );
    const bookmark = await watch.next();
    assert.equal(bookmark.type, 'BOOKMARK');
    assert.equal(await watch.ended, true);
  });

  it('sends tables, with columns in the first one only', async () => {
    await make('a');
    const watch = await server.watch(`${base}?watch=true`, { headers: { accept: TABLE } });
    const first = await watch.next();
    assert.equal(first.object.kind, 'Table');
    assert.equal(first.object.rows[0].cells[0], 'a');
    assert.ok(first.object.columnDefinitions.length > 0);
    await make('b');
    const second = await watch.next();
    assert.equal(second.object.rows[0].object.metadata.name, 'b');
    assert.deepEqual(second.object.columnDefinitions, []);
    watch.close();
  });

  it('gives every one of many watchers every change in order', async () => {
    const watches = await Promise.all(
      Array.from({ length: 10 }, () => server.watch(`${base}?watch=true`)),
    );
    const made = await Promise.all(Array.from({ length: 50 }, (_, n) => make(`m${n}`)));
    const expected = made.map(Number).sort((a, b) => a - b);
    for (const watch of watches) {
      const seen: number[] = [];
      for (const _ of expected)
        seen.push(Number((await watch.next()).object.metadata.resourceVersion));
      assert.deepEqual(seen, expected);
      watch.close();
    }
  });

  it('watches through the older path', async () => {
    await make('a');
    const watch = await server.watch(base.replace('/api/v1/', '/api/v1/watch/'));
    assert.equal((await watch.next()).object.metadata.name, 'a');
    watch.close();
  });

  it('does not mind watchers that vanish', async () => {
    const watches = await Promise.all(
      Array.from({ length: 20 }, () => server.watch(`${base}?watch=true`)),
    );
    const writes = Array.from({ length: 100 }, (_, n) => make(`v${n}`));
    for (const watch of watches) {
      await watch.next();
      watch.close();
    }
    await Promise.all(writes);
    assert.equal((await server.send('GET', base)).body.items.length, 100);
  });

  it('serves others beside a watcher that does not read', async () => {
    const idle = await server.watch(`${base}?watch=true`);
    const reading = await server.watch(`${base}?watch=true`);
    const data = { a: 'x'.repeat(100_000) };
    for (let n = 0; n < 100; n += 1) {
      await server.send('POST', base, { body: { metadata: { name: `big-${n}` }, data } });
      assert.equal((await reading.next()).object.metadata.name, `big-${n}`);
    }
    idle.close();
    reading.close();
  });

  it('ends cleanly when the server shuts down', async () => {
    const own = await startTestApiServer();
    const watch = await own.watch('/api/v1/nodes?watch=true');
    const pending = assert.rejects(watch.next(), /The watch has ended/);
    await own.stop();
    await pending;
    assert.equal(await watch.ended, true);
  });
});
