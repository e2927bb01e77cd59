/**
 * The file of the embedded store: opens it for this process alone, makes or checks its format, and
 * sets how SQLite treats it. What the tables mean is in history.ts.
 *
 * Durability: SQLite writes a transaction to the write-ahead log without syncing it
 * (`synchronous=NORMAL` syncs only around checkpoints, which keeps the file whole at all times);
 * group-commit.ts syncs the log off the main thread before it acknowledges. Source:
 * https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous.
 */

import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Raised with every change that an older Skiff would misread. */
const FORMAT_VERSION = 1;

/** `application_id` of the file: "skif". */
const APPLICATION_ID = 0x736b6966;

/** Pages of the database kept in memory, in KiB. */
const PAGE_CACHE_KIB = 32 * 1024;

const FILE_NAME = 'store.db';
/** A database of its own, whose lock is held as long as the store is open, however that ends. */
const LOCK_NAME = 'store.lock';
const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

/** `changes` and `vals` have a row for each revision, `live` one for each key that exists. */
const TABLES = `
  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    previous_revision INTEGER NOT NULL,
    is_deletion INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE vals (revision INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE live (
    key TEXT PRIMARY KEY,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE expiries (
    at_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (at_ms, revision)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    revision INTEGER NOT NULL,
    compact_revision INTEGER NOT NULL,
    cleaned_revision INTEGER NOT NULL
  ) STRICT;
  INSERT INTO store VALUES (0, 0, 0, 0);
`;

export interface OpenDatabase {
  readonly db: DatabaseSync;
  readonly file: string;
  /** The write-ahead log, to sync; open as long as the database. */
  readonly logFd: number;
  /** The first of its files that is not the one that was opened any more, by its path. */
  lostFile(): string | undefined;
  close(): void;
}

/**
 * Opens the store in this folder, which is made when it is missing. Throws when another process has
 * it open, when it is of a newer format, or when the file is not a store.
 */
export function openDatabase(dir: string): OpenDatabase {
  mkdirSync(dir, { recursive: true, mode: DIR_MODE });
  chmodSync(dir, DIR_MODE);
  const file = path.join(dir, FILE_NAME);
  const lock = openLock(path.join(dir, LOCK_NAME), file);
  let db: DatabaseSync | undefined;
  try {
    makeFile(file);
    db = new DatabaseSync(file);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
    // See checkpointer.ts.
    db.exec('PRAGMA wal_autocheckpoint = 0');
    rewriteLog(db);
    prepareFormat(db, file);
    const lostFile = newFileCheck([file, path.join(dir, LOCK_NAME)]);
    return { db, file, lostFile, ...openLog(db, lock, file) };
  } catch (error) {
    db?.close();
    lock.close();
    throw describeOpenError(error, file);
  }
}

function openLog(db: DatabaseSync, lock: DatabaseSync, file: string) {
  const logFd = openSync(`${file}-wal`, 'r+');
  fsyncSync(logFd);
  syncFolder(path.dirname(file));
  const close = (): void => {
    // Copies the log into the database and removes it.
    db.close();
    closeSync(logFd);
    lock.close();
  };
  return { logFd, close };
}

/**
 * What a process before this one left in the log goes to the database, synced. After a sync that
 * failed, the kernel takes pages of the log for written that are not on disk; syncing them again does
 * nothing, and a power cut would take with them whatever had been appended after.
 */
function rewriteLog(db: DatabaseSync): void {
  const row = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  if (row?.busy !== 0) throw new Error('The log could not be copied into the database');
}

/** Paths are compared by what they lead to: opening the files would give up the locks on them. */
function newFileCheck(files: readonly string[]): () => string | undefined {
  const identity = (file: string): string => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? '' : `${found.dev}:${found.ino}`;
  };
  const opened = files.map(identity);
  return () => files.find((file, index) => identity(file) !== opened[index]);
}

/** A lock of the kernel on a file: it goes with the process. Throws when another one has it. */
function openLock(lockFile: string, file: string): DatabaseSync {
  makeFile(lockFile);
  const lock = new DatabaseSync(lockFile);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw new Error(`The store "${file}" is in use by another process`, { cause: error });
  }
}

/**
 * Empty, for this user alone; SQLite gives the files beside it the same mode. One that is there is
 * not opened: closing it would give up every lock that this process has on it.
 */
function makeFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', FILE_MODE));
  chmodSync(file, FILE_MODE);
}

/** A transaction that writes, also where nothing changes, so that the log is there. */
function prepareFormat(db: DatabaseSync, file: string): void {
  db.exec('BEGIN EXCLUSIVE');
  const version = pragmaNumber(db, 'user_version');
  const application = pragmaNumber(db, 'application_id');
  if (version > FORMAT_VERSION && application === APPLICATION_ID) {
    throw new Error(
      `The store "${file}" has format ${version}, made by a newer Skiff; this one reads up to ${FORMAT_VERSION}`,
    );
  }
  if (version === 0 && application === 0) db.exec(TABLES);
  else if (application !== APPLICATION_ID) throw new Error(`"${file}" is not a Skiff store`);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.exec(`PRAGMA user_version = ${FORMAT_VERSION}`);
  db.exec('UPDATE store SET revision = revision');
  db.exec('COMMIT');
}

function pragmaNumber(db: DatabaseSync, name: string): number {
  const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
  return typeof value === 'number' ? value : 0;
}

/** A new file is there after a power cut only when its folder has been synced. */
function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

function describeOpenError(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return error;
  if (/not a database|malformed/.test(error.message)) {
    return new Error(`"${file}" is not a Skiff store, or it is damaged`, { cause: error });
  }
  return error;
}
