/**
 * Every change of the embedded store and what is current, as tables, read and written synchronously.
 *
 * A row of `changes` says what happened at a revision and which one the key had before. So the state
 * at an older revision R is today's, with every key that was changed since put back to the
 * `previous_revision` of its first change after R; and the revisions that compaction may forget are
 * those named as previous by the changes up to it. Neither needs an index by key.
 *
 * Transactions, and what is already on disk, are left to group-commit.ts.
 */

import assert from 'node:assert/strict';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { compareKeys, prefixEnd } from '../key-order.ts';
import type { KeyValue, ListOptions, StorageEvent } from '../storage.ts';

/** A key greater than all: an unpaired code point that UTF-8 puts last. */
const KEY_LAST = '\u{10ffff}\u{10ffff}';

/** What a list needs besides the revision. */
export interface Listed {
  readonly kvs: readonly KeyValue[];
  readonly remaining: number;
}

interface KeyRange {
  /** Exclusive. */
  readonly after: string | undefined;
  /** Inclusive. */
  readonly from: string;
  /** Exclusive. */
  readonly end: string;
}

/** The one row of the table `store`. Invariant: cleaned <= compact <= revision. */
interface Position {
  readonly revision: number;
  readonly compactRevision: number;
  /** Rows are removed up to here. */
  readonly cleanedRevision: number;
}

export class History {
  readonly #db: DatabaseSync;
  readonly #statements: Statements;
  #position: Position;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = prepareStatements(db);
    const row = this.#statements.selectStore.get() ?? {};
    this.#position = {
      revision: numberOf(row.revision),
      compactRevision: numberOf(row.compact_revision),
      cleanedRevision: numberOf(row.cleaned_revision),
    };
  }

  /** The newest revision written, on disk or not. */
  get revision(): number {
    return this.#position.revision;
  }

  get compactRevision(): number {
    return this.#position.compactRevision;
  }

  /** Whether compaction has rows left to remove. */
  get isCleaned(): boolean {
    return this.#position.cleanedRevision === this.#position.compactRevision;
  }

  /** Runs writes as one transaction; when it throws, nothing was written. */
  transaction<T>(write: () => T): T {
    const { begin, updateStore, commit, rollback } = this.#statements;
    const before = this.#position;
    begin.run();
    try {
      const result = write();
      const { revision, compactRevision, cleanedRevision } = this.#position;
      if (before !== this.#position) updateStore.run(revision, compactRevision, cleanedRevision);
      commit.run();
      return result;
    } catch (error) {
      this.#position = before;
      if (this.#db.isTransaction) rollback.run();
      throw error;
    }
  }

  /** O(log n). */
  get(key: string): KeyValue | undefined {
    const row = this.#statements.selectLive.get(key);
    return row === undefined ? undefined : keyValueOf(row);
  }

  /** Writes and returns the event, or nothing when the key is not at the expected revision. */
  put(key: string, value: Uint8Array, expected: number): StorageEvent | undefined {
    const previous = expected === 0 ? undefined : this.get(key);
    const isExpected = expected === 0 ? !this.#exists(key) : previous?.modRevision === expected;
    if (!isExpected) return undefined;
    const revision = this.#nextRevision();
    const createRevision = previous?.createRevision ?? revision;
    this.#statements.insertChange.run(revision, key, createRevision, expected, 0);
    this.#statements.insertValue.run(revision, value);
    this.#statements.upsertLive.run(key, createRevision, revision);
    return { type: 'put', kv: { key, value, createRevision, modRevision: revision }, previous };
  }

  /** Deletes and returns the event, or nothing when the key is not at the expected revision. */
  delete(key: string, expected: number): StorageEvent | undefined {
    const previous = this.get(key);
    if (previous === undefined || previous.modRevision !== expected) return undefined;
    const revision = this.#nextRevision();
    this.#statements.insertChange.run(revision, key, previous.createRevision, expected, 1);
    this.#statements.deleteLive.run(key);
    return { type: 'delete', kv: { ...previous, modRevision: revision }, previous };
  }

  /** The newest state; O(what is returned), and O(what remains) to count it when there is a limit. */
  list(prefix: string, options: ListOptions): Listed {
    const range = keyRange(prefix, options.startAfter);
    const { selectRange } = this.#statements;
    const rows = selectRange.all(range.from, range.after ?? '', range.end, limitOf(options));
    const kvs = rows.map(keyValueOf);
    const last = kvs.at(-1);
    const isAll = options.limit === undefined || kvs.length < options.limit || last === undefined;
    const remaining = isAll ? 0 : this.#count({ ...range, after: last.key });
    return { kvs, remaining };
  }

  /** The state at a revision not compacted; O(changes since + what is returned). */
  listAt(revision: number, prefix: string, options: ListOptions): Listed {
    const range = keyRange(prefix, options.startAfter);
    const { selectChangedSince, selectRangeKeys, selectValue } = this.#statements;
    /** Keys changed since, with the revision each had: 0 when it did not exist. */
    const changed = new Map<string, number>();
    const liveChanged = new Set<string>();
    const { from, end } = range;
    for (const row of selectChangedSince.iterate(revision, from, range.after ?? '', end)) {
      const key = textOf(row.key);
      if (!changed.has(key)) changed.set(key, numberOf(row.previous_revision));
      if (numberOf(row.is_deletion) === 1) liveChanged.delete(key);
      else liveChanged.add(key);
    }
    const putBack = [...changed].filter(([, previous]) => previous > 0);
    const limit = limitOf(options);
    const unchanged = selectRangeKeys
      .all(from, range.after ?? '', end, limit === -1 ? -1 : limit + liveChanged.size)
      .map((row): [string, number] => [textOf(row.key), numberOf(row.mod_revision)])
      .filter(([key]) => !changed.has(key));
    const all = [...unchanged, ...putBack].sort(([a], [b]) => compareKeys(a, b));
    const taken = limit === -1 ? all : all.slice(0, limit);
    const total = this.#count(range) - liveChanged.size + putBack.length;
    const kvs = taken.map(([key, modRevision]) => {
      const row = selectValue.get(modRevision);
      assert.ok(row !== undefined, `Revision ${modRevision} of "${key}" is missing`);
      return keyValueOf({ key, mod_revision: modRevision, ...row });
    });
    return { kvs, remaining: total - taken.length };
  }

  /** The changes to keys of a prefix in `(after, upTo]`, neither compacted. */
  changes(prefix: string, after: number, upTo: number): readonly StorageEvent[] {
    const { from, end } = keyRange(prefix, undefined);
    return this.#statements.selectChanges.all(after, upTo, from, end).map(eventOf);
  }

  /** From now on nothing before this revision is asked for. In a transaction. */
  compact(revision: number): void {
    const compactRevision = Math.max(this.#position.compactRevision, revision);
    this.#position = { ...this.#position, compactRevision };
  }

  /** Removes what is compacted, at most this many revisions at a time. In a transaction. */
  clean(revisionsMax: number): void {
    const { cleanedRevision: from, compactRevision } = this.#position;
    const to = Math.min(compactRevision, from + revisionsMax);
    const { deleteSupersededValues, deleteSupersededChanges, deleteDeletions } = this.#statements;
    deleteSupersededValues.run(from, to);
    deleteSupersededChanges.run(from, to);
    deleteDeletions.run(from, to);
    this.#position = { ...this.#position, cleanedRevision: to };
  }

  /** The key vanishes at this time if it is still at this revision. */
  expireAt(atMs: number, key: string, revision: number): void {
    this.#statements.insertExpiry.run(atMs, revision, key);
  }

  /** When the first key expires, or nothing. */
  nextExpiryMs(): number | undefined {
    const row = this.#statements.selectNextExpiry.get();
    return row === undefined ? undefined : numberOf(row.at_ms);
  }

  /** Deletes up to `keysMax` keys whose time has come, and returns the events. In a transaction. */
  expire(nowMs: number, keysMax: number): readonly StorageEvent[] {
    const events: StorageEvent[] = [];
    for (const row of this.#statements.selectExpired.all(nowMs, keysMax)) {
      const revision = numberOf(row.revision);
      const event = this.delete(textOf(row.key), revision);
      if (event !== undefined) events.push(event);
      this.#statements.deleteExpiry.run(numberOf(row.at_ms), revision);
    }
    return events;
  }

  #exists(key: string): boolean {
    return this.#statements.selectLiveRevision.get(key) !== undefined;
  }

  #nextRevision(): number {
    const revision = this.#position.revision + 1;
    this.#position = { ...this.#position, revision };
    return revision;
  }

  #count(range: KeyRange): number {
    const row = this.#statements.countRange.get(range.from, range.after ?? '', range.end);
    return numberOf(row?.count);
  }
}

function prepareStatements(db: DatabaseSync) {
  const inRange = 'key >= ? AND key > ? AND key < ?';
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    selectStore: db.prepare('SELECT * FROM store'),
    updateStore: db.prepare(
      'UPDATE store SET revision = ?, compact_revision = ?, cleaned_revision = ?',
    ),
    selectLive: db.prepare(
      'SELECT live.*, value FROM live JOIN vals ON vals.revision = mod_revision WHERE key = ?',
    ),
    selectLiveRevision: db.prepare('SELECT 1 FROM live WHERE key = ?'),
    upsertLive: db.prepare('INSERT OR REPLACE INTO live VALUES (?, ?, ?)'),
    deleteLive: db.prepare('DELETE FROM live WHERE key = ?'),
    insertChange: db.prepare('INSERT INTO changes VALUES (?, ?, ?, ?, ?)'),
    insertValue: db.prepare('INSERT INTO vals VALUES (?, ?)'),
    selectRange: db.prepare(
      `SELECT live.*, value FROM live JOIN vals ON vals.revision = mod_revision
       WHERE ${inRange} ORDER BY key LIMIT ?`,
    ),
    selectRangeKeys: db.prepare(
      `SELECT key, mod_revision FROM live WHERE ${inRange} ORDER BY key LIMIT ?`,
    ),
    countRange: db.prepare(`SELECT count(*) AS count FROM live WHERE ${inRange}`),
    selectChangedSince: db.prepare(
      `SELECT key, previous_revision, is_deletion FROM changes
       WHERE revision > ? AND ${inRange} ORDER BY revision`,
    ),
    selectValue: db.prepare(
      'SELECT create_revision, value FROM changes JOIN vals USING (revision) WHERE revision = ?',
    ),
    selectChanges: db.prepare(
      `SELECT changes.*, own.value AS value, previous.value AS previous_value
       FROM changes LEFT JOIN vals AS own USING (revision)
       LEFT JOIN vals AS previous ON previous.revision = previous_revision
       WHERE changes.revision > ? AND changes.revision <= ? AND key >= ? AND key < ?
       ORDER BY changes.revision`,
    ),
    deleteSupersededValues: db.prepare(
      `DELETE FROM vals WHERE revision IN
       (SELECT previous_revision FROM changes WHERE revision > ? AND revision <= ?)`,
    ),
    deleteSupersededChanges: db.prepare(
      `DELETE FROM changes WHERE revision IN
       (SELECT previous_revision FROM changes WHERE revision > ? AND revision <= ?)`,
    ),
    deleteDeletions: db.prepare(
      'DELETE FROM changes WHERE revision > ? AND revision <= ? AND is_deletion = 1',
    ),
    insertExpiry: db.prepare('INSERT INTO expiries VALUES (?, ?, ?)'),
    selectNextExpiry: db.prepare('SELECT at_ms FROM expiries ORDER BY at_ms LIMIT 1'),
    selectExpired: db.prepare('SELECT * FROM expiries WHERE at_ms <= ? ORDER BY at_ms LIMIT ?'),
    deleteExpiry: db.prepare('DELETE FROM expiries WHERE at_ms = ? AND revision = ?'),
  } satisfies Record<string, StatementSync>;
}

type Statements = ReturnType<typeof prepareStatements>;
type Row = Record<string, SQLOutputValue | undefined>;

function keyRange(prefix: string, startAfter: string | undefined): KeyRange {
  return { from: prefix, after: startAfter, end: prefixEnd(prefix) ?? KEY_LAST };
}

/** As SQL takes it: negative for no limit. */
function limitOf(options: ListOptions): number {
  return options.limit ?? -1;
}

function keyValueOf(row: Row): KeyValue {
  return {
    key: textOf(row.key),
    value: bytesOf(row.value),
    createRevision: numberOf(row.create_revision),
    modRevision: numberOf(row.mod_revision),
  };
}

function eventOf(row: Row): StorageEvent {
  const key = textOf(row.key);
  const createRevision = numberOf(row.create_revision);
  const modRevision = numberOf(row.revision);
  const previousRevision = numberOf(row.previous_revision);
  const previous =
    previousRevision === 0
      ? undefined
      : { key, value: bytesOf(row.previous_value), createRevision, modRevision: previousRevision };
  if (numberOf(row.is_deletion) === 0) {
    const kv = { key, value: bytesOf(row.value), createRevision, modRevision };
    return { type: 'put', kv, previous };
  }
  assert.ok(previous !== undefined, `Revision ${modRevision} deleted what was not there`);
  return { type: 'delete', kv: { ...previous, modRevision }, previous };
}

function numberOf(value: SQLOutputValue | undefined): number {
  assert.ok(typeof value === 'number', 'The store has no number where it needs one');
  return value;
}

function textOf(value: SQLOutputValue | undefined): string {
  assert.ok(typeof value === 'string', 'The store has no text where it needs it');
  return value;
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  assert.ok(value instanceof Uint8Array, 'The store has no value where it needs one');
  return value;
}
