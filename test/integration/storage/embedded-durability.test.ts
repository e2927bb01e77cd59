import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  type EmbeddedStorage,
  openEmbeddedStorage,
} from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { type SyncFile, syncFileData } from '../../../apiserver/storage/embedded/group-commit.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import {
  bytes,
  mustDelete,
  mustPut,
  TEST_DEADLINE_MS,
  takeEvents,
  text,
} from '../../support/storage-harness.ts';

const WRITER = path.join(import.meta.dirname, 'embedded-writer.ts');
const KILLS = 6;

describe('The embedded store, through what happens to it', () => {
  let root: string;
  let dir: string;
  let opened: EmbeddedStorage[];
  let failures: string[];

  const open = (folder = dir, sync: SyncFile = syncFileData): EmbeddedStorage => {
    const onFailure = ({ message }: Error): void => void failures.push(message);
    const options = { dir: folder, clock: systemClock, logger: silentLogger, sync, onFailure };
    const storage = openEmbeddedStorage(options);
    opened.push(storage);
    return storage;
  };

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'skt-store-durability-'));
    dir = path.join(root, 'store');
    opened = [];
    failures = [];
  });

  afterEach(async () => {
    for (const storage of opened) await storage.close();
    rmSync(root, { recursive: true });
  });

  it('loses no acknowledged write when its process is killed', async () => {
    const acknowledged = new Map<string, number>();
    for (let run = 0; run < KILLS; run += 1) {
      const writer = spawn(process.execPath, [WRITER, dir, `${run}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exit = once(writer, 'exit');
      let lines = 0;
      for await (const line of createInterface({ input: writer.stdout })) {
        const [key = '', revision = ''] = line.split(' ');
        acknowledged.set(key, Math.max(Number(revision), acknowledged.get(key) ?? 0));
        lines += 1;
        if (lines === 200 + 700 * run) writer.kill('SIGKILL');
      }
      await exit;
      const storage = open();
      const { kvs, revision } = await storage.list('/killed/');
      const kept = new Map(kvs.map((kv) => [kv.key, kv.modRevision]));
      for (const [key, acked] of acknowledged) {
        assert.ok((kept.get(key) ?? 0) >= acked, `"${key}" was acknowledged at ${acked}`);
      }
      // The history is whole, too: every revision is there, once.
      const events = await takeEvents(storage, '/', 0, revision);
      assert.equal(events.length, revision);
      await storage.close();
    }
    assert.ok(acknowledged.size > 1000);
  });

  it('has on disk what it acknowledged, at the moment it does', async () => {
    const images: { readonly image: string; readonly keys: readonly string[] }[] = [];
    const keys: string[] = [];
    // Copied by another process: closing a file here would give up the store's lock on it.
    const copy = async (fd: number): Promise<void> => {
      await syncFileData(fd);
      const image = path.join(root, `image-${images.length}`);
      if (images.length % 10 === 9) spawnSync('cp', ['-r', dir, image]);
      images.push({ image, keys: [...keys] });
    };
    const storage = open(dir, copy);
    for (let turn = 0; turn < 60; turn += 1) {
      const group = Array.from({ length: 40 }, (_, index) => `/image/${turn}-${index}`);
      const writing = group.map((key) => mustPut(storage, key, key.repeat(500)));
      keys.push(...group);
      await Promise.all(writing);
    }
    const taken = images.filter((_, index) => index % 10 === 9);
    assert.ok(taken.length > 4);
    for (const { image, keys: expected } of taken) {
      const { kvs } = await open(image).list('/image/');
      assert.deepEqual(kvs.map(({ key }) => key).sort(), [...expected].sort());
    }
  });

  it('copies its log into the database while it is written', async () => {
    const storage = open();
    const value = new Uint8Array(1_000_000);
    const fileBytes = (): number => statSync(path.join(dir, 'store.db')).size;
    const deadline = AbortSignal.timeout(TEST_DEADLINE_MS);
    let writes = 0;
    while (fileBytes() < 10_000_000) {
      assert.ok(!deadline.aborted, 'The log was not copied');
      await storage.put(`/log/${writes % 20}`, value, 0);
      writes += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await storage.list('/log/')).kvs.length, Math.min(writes, 20));
  });

  it('shows nobody what is not on disk yet', async () => {
    let release = (): void => undefined;
    let synced = Promise.resolve();
    const storage = open(dir, () => synced);
    const first = await mustPut(storage, '/hidden/a', 'one');
    synced = new Promise((resolve) => {
      release = resolve;
    });
    const events = takeEvents(storage, '/hidden/', 0, 3);
    const writing = storage.put('/hidden/a', bytes('two'), first);
    const creating = storage.put('/hidden/b', bytes('three'), 0);
    const conflicting = storage.put('/hidden/b', bytes('four'), 0);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.equal(text((await storage.get('/hidden/a')).kv?.value), 'one');
    assert.deepEqual(await storage.get('/hidden/b'), { revision: first, kv: undefined });
    const { kvs, revision } = await storage.list('/hidden/');
    assert.deepEqual([kvs.length, text(kvs[0]?.value), revision], [1, 'one', first]);
    assert.equal(await storage.currentRevision(), first);
    release();
    assert.deepEqual(await writing, { kind: 'ok', revision: first + 1 });
    assert.deepEqual(await creating, { kind: 'ok', revision: first + 2 });
    assert.equal((await conflicting).kind, 'conflict');
    assert.deepEqual(
      (await events).map(({ kv }) => text(kv.value)),
      ['one', 'two', 'three'],
    );
  });

  it('acknowledges nothing more once the disk has failed', async () => {
    let failure: Error | undefined;
    const storage = open(dir, async () => {
      if (failure !== undefined) throw failure;
    });
    const revision = await mustPut(storage, '/failing/a', 'one');
    failure = new Error('EIO');
    const message = 'The store could not be synced to disk';
    await assert.rejects(storage.put('/failing/a', bytes('two'), revision), { message });
    failure = undefined;
    await assert.rejects(storage.put('/failing/b', bytes('three'), 0), { message });
    assert.equal(text((await storage.get('/failing/a')).kv?.value), 'one');
    assert.deepEqual(failures, [message]);
    await storage.close();
    const again = open();
    assert.ok((await mustPut(again, '/failing/b', 'three')) > revision);
  });

  it('has all of the log in the database as soon as it is open again', async () => {
    const writer = spawn(process.execPath, [WRITER, dir, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(writer, 'exit');
    await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await exit;
    const log = path.join(dir, 'store.db-wal');
    const bytesLeft = statSync(log).size;
    open();
    // The format's transaction is what is in it now.
    assert.ok(statSync(log).size < bytesLeft);
  });

  it('fails when its files are removed under it', async () => {
    const storage = open();
    await mustPut(storage, '/gone/a', 'one');
    rmSync(dir, { recursive: true });
    const deadline = AbortSignal.timeout(TEST_DEADLINE_MS);
    while (failures.length === 0) {
      assert.ok(!deadline.aborted, 'It was not noticed');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(failures.join(), /store\.db" was removed or replaced/);
    await assert.rejects(storage.put('/gone/b', bytes('two'), 0), /was removed or replaced/);
    // Another store in the same folder is not touched by the end of this one.
    const other = open();
    await mustPut(other, '/other/a', 'three');
    await storage.close();
    assert.equal(failures.length, 1);
    assert.equal(text((await other.get('/other/a')).kv?.value), 'three');
    assert.ok(statSync(path.join(dir, 'store.db-wal')).size > 0);
  });

  it('refuses one bad write of a group and does the others', async () => {
    const storage = open();
    const results = await Promise.allSettled([
      mustPut(storage, '/group/a', 'one'),
      // Not bytes: only code that lies to the compiler gets here.
      storage.put('/group/b', Object.create(null), 0),
      mustPut(storage, '/group/c', 'two'),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const { kvs, revision } = await storage.list('/group/');
    assert.deepEqual([kvs.length, revision], [2, 2]);
  });

  it('keeps only what is current of what is compacted', async () => {
    const storage = open();
    await storage.compact(0);
    let kept = await mustPut(storage, '/clean/kept', '0');
    for (let turn = 1; turn < 50; turn += 1) {
      kept = await mustPut(storage, '/clean/kept', `${turn}`, kept);
      await mustDelete(storage, '/clean/gone', await mustPut(storage, '/clean/gone', ''));
    }
    await storage.compact(await storage.currentRevision());
    await storage.close();
    // Closing lets the cleaning under way end its step, and this history is one step.
    const db = new DatabaseSync(path.join(dir, 'store.db'), { readOnly: true });
    const count = (table: string): unknown =>
      db.prepare(`SELECT count(*) AS n FROM ${table}`).get();
    assert.deepEqual({ ...Object(count('vals')) }, { n: 1 });
    assert.deepEqual({ ...Object(count('changes')) }, { n: 1 });
    db.close();
    assert.equal(text((await open().get('/clean/kept')).kv?.value), '49');
  });

  it('is for one process, for its user, and for stores of its own format', async () => {
    const storage = open();
    const newer = path.join(dir, 'store.db');
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    for (const file of [newer, `${newer}-wal`]) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.throws(() => open(), { message: `The store "${newer}" is in use by another process` });
    const second = spawnSync(process.execPath, [WRITER, dir, 'second'], { encoding: 'utf8' });
    assert.notEqual(second.status, 0);
    assert.ok(second.stderr.includes(`The store "${newer}" is in use by another process`));
    await mustPut(storage, '/still/open', '');
    await storage.close();
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 7');
    db.close();
    assert.throws(() => open(), /has format 7, made by a newer Skiff; this one reads up to 1/);
    const other = path.join(root, 'other');
    mkdirSync(other);
    writeFileSync(path.join(other, 'store.db'), 'This is not a database. '.repeat(100));
    assert.throws(() => open(other), /is not a Skiff store, or it is damaged/);
  });
});
