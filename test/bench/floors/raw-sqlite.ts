/**
 * The floor of the embedded store: SQLite itself, with one table and one row a write, in the same
 * groups, synced by SQLite before it answers.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface RawStore {
  put(key: string, value: Uint8Array): Promise<void>;
  close(): void;
}

export function openRawStore(): RawStore {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-raw-'));
  const db = new DatabaseSync(path.join(dir, 'raw.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT, value BLOB)');
  const insert = db.prepare('INSERT INTO rows (key, value) VALUES (?, ?)');
  let waiting: { key: string; value: Uint8Array; done: () => void }[] = [];
  const commit = (): void => {
    const group = waiting;
    waiting = [];
    db.exec('BEGIN');
    for (const { key, value } of group) insert.run(key, value);
    db.exec('COMMIT');
    for (const { done } of group) done();
  };
  return {
    put: (key, value) =>
      new Promise((done) => {
        waiting.push({ key, value, done });
        if (waiting.length === 1) setImmediate(commit);
      }),
    close: () => {
      db.close();
      rmSync(dir, { recursive: true });
    },
  };
}
