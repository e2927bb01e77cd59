/**
 * The embedded store: a Storage in a folder of this machine, for one process at a time. Many readers
 * and writers in that process; every write is on disk before it is acknowledged, whatever kills the
 * process or the machine.
 *
 * History is kept for a while and then forgotten without being asked: see the constants.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import {
  CompactedError,
  FutureRevisionError,
  type GetResult,
  type ListOptions,
  type ListResult,
  type Storage,
  type StorageEvent,
  type StorageEventBatch,
  type WriteOptions,
  type WriteResult,
} from '../storage.ts';
import { type Subscription, WATCH_BUFFER_EVENTS, WatchHub } from '../watch-hub.ts';
import { Checkpointer } from './checkpointer.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import { GroupCommit, type SyncFile, syncFileData, type Written } from './group-commit.ts';
import { History } from './history.ts';

/** How long a watch may be away, and a list in pages may take. Source: kube-apiserver's 5 min. */
const HISTORY_KEPT_MS = 5 * 60_000;

/** Bounds the disk that history takes in a busy time: at 2 KiB a value, about 1 GiB. */
const HISTORY_KEPT_REVISIONS = 500_000;

/** How often history is looked at; it may be kept this much longer. */
const COMPACTION_INTERVAL_MS = 60_000;

/**
 * How often the files are looked for in their folder. Without them, writes go to files that nobody
 * can open any more, and another process can get the lock.
 */
const FILE_CHECK_INTERVAL_MS = 1000;

/** Revisions cleaned in one transaction: a few milliseconds. */
const CLEAN_REVISIONS_MAX = 1000;

/** Revisions read at a time for a watch that begins in the past: a few milliseconds, and megabytes. */
const CATCH_UP_REVISIONS_MAX = 250;

/** Keys that expire close together go in one transaction. */
const EXPIRY_INTERVAL_MS = 250;
const EXPIRY_KEYS_MAX = 256;

/** A timer takes no more than a signed 32-bit number of milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface EmbeddedStorageOptions {
  /** A folder for the store alone; made when it is missing. */
  readonly dir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A watcher that lags by more events than this is dropped. */
  readonly watchBufferEvents?: number;
  /** Called once, when the store can't keep its promise any more and must be opened again. */
  readonly onFailure?: (failure: Error) => void;
  /** Tests make the disk fail, or wait. */
  readonly sync?: SyncFile;
}

/** Opens the store; throws when another process has it open or when its format is newer. */
export function openEmbeddedStorage(options: EmbeddedStorageOptions): EmbeddedStorage {
  return new EmbeddedStorage(openDatabase(options.dir), options);
}

export class EmbeddedStorage implements Storage {
  readonly #database: OpenDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #history: History;
  readonly #commit: GroupCommit;
  readonly #checkpointer: Checkpointer;
  readonly #hub: WatchHub<StorageEvent>;
  /** The newest revision at times past, oldest first: what to compact to. */
  readonly #marks: { readonly revision: number; readonly atMs: number }[] = [];
  #expiryTimer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #cancelCompaction: () => void = () => undefined;
  #cancelFileCheck: () => void = () => undefined;
  #cleaning: Promise<void> | undefined;
  #isClosed = false;

  constructor(database: OpenDatabase, options: EmbeddedStorageOptions) {
    this.#database = database;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#history = new History(database.db);
    this.#hub = new WatchHub(
      this.#history.revision,
      options.watchBufferEvents ?? WATCH_BUFFER_EVENTS,
    );
    this.#commit = new GroupCommit({
      history: this.#history,
      logFd: database.logFd,
      sync: options.sync ?? syncFileData,
      publish: (events, revision) => this.#publish(events, revision),
      onFailure: options.onFailure ?? (() => undefined),
    });
    const { db, file } = database;
    this.#checkpointer = new Checkpointer({ db, file, logger: options.logger });
    this.#scheduleExpiry();
    this.#scheduleCompaction();
    this.#scheduleFileCheck();
  }

  async get(key: string): Promise<GetResult> {
    this.#assertOpen();
    const { syncedRevision, unsynced } = this.#commit;
    const kv = unsynced?.has(key) === true ? unsynced.get(key) : this.#history.get(key);
    return { revision: syncedRevision, kv };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#assertOpen();
    const newest = this.#commit.syncedRevision;
    const { revision = newest } = options;
    if (revision > newest) throw new FutureRevisionError(revision, newest);
    const { compactRevision } = this.#history;
    if (revision < compactRevision) throw new CompactedError(compactRevision);
    const isNewest = revision === this.#history.revision;
    const { kvs, remaining } = isNewest
      ? this.#history.list(prefix, options)
      : this.#history.listAt(revision, prefix, options);
    return { revision, kvs, more: remaining > 0, remaining };
  }

  put(
    key: string,
    value: Uint8Array,
    expected: number,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.#submit(() => {
      const event = this.#history.put(key, value, expected);
      if (event === undefined) return this.#conflict(key);
      const revision = event.kv.modRevision;
      if (options.ttlSeconds !== undefined) {
        const atMs = this.#clock.wallMs() + options.ttlSeconds * 1000;
        this.#history.expireAt(atMs, key, revision);
        this.#scheduleExpiry(atMs);
      }
      return { result: { kind: 'ok', revision }, events: [event] };
    });
  }

  delete(key: string, expected: number): Promise<WriteResult> {
    return this.#submit(() => {
      const event = this.#history.delete(key, expected);
      if (event === undefined) return this.#conflict(key);
      return { result: { kind: 'ok', revision: event.kv.modRevision }, events: [event] };
    });
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<StorageEventBatch> {
    let reached = afterRevision;
    while (!signal.aborted && !this.#isClosed) {
      const { compactRevision } = this.#history;
      if (reached < compactRevision) throw new CompactedError(compactRevision);
      const newest = this.#commit.syncedRevision;
      if (reached >= newest) {
        return yield* after(reached, this.#subscribe(prefix, signal).batches());
      }
      const upTo = Math.min(newest, reached + CATCH_UP_REVISIONS_MAX);
      const events = this.#history.changes(prefix, reached, upTo);
      reached = upTo;
      if (upTo === newest) {
        // Before the reader has its turn: nothing may come between.
        const live = this.#subscribe(prefix, signal);
        try {
          yield { events, revision: reached };
          return yield* live.batches();
        } finally {
          live.close();
        }
      }
      yield { events, revision: reached };
      await nextTurn();
    }
  }

  async currentRevision(): Promise<number> {
    this.#assertOpen();
    return this.#commit.syncedRevision;
  }

  async compact(revision: number): Promise<void> {
    const newest = this.#commit.syncedRevision;
    if (revision > newest) throw new FutureRevisionError(revision, newest);
    await this.#submit(() => {
      this.#history.compact(revision);
      return { result: undefined, events: [] };
    });
    this.#cleaning ??= this.#clean().finally(() => {
      this.#cleaning = undefined;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#expiryTimer?.cancel();
    this.#cancelCompaction();
    this.#cancelFileCheck();
    await this.#cleaning;
    await this.#commit.drained();
    await this.#checkpointer.idle();
    this.#hub.close();
    this.#database.close();
  }

  #publish(events: readonly StorageEvent[], revision: number): void {
    this.#hub.publish(events, revision);
    const valueBytes = events.reduce((bytes, { kv }) => bytes + kv.value.length, 0);
    this.#checkpointer.wrote(events.length, valueBytes);
  }

  #subscribe(prefix: string, signal: AbortSignal): Subscription<StorageEvent> {
    const matches = ({ kv }: StorageEvent): boolean => kv.key.startsWith(prefix);
    return this.#hub.subscribe({ matches, signal, progress: 'every' });
  }

  #submit<T>(write: () => Written<T>): Promise<T> {
    this.#assertOpen();
    return this.#commit.submit(write);
  }

  #conflict(key: string): Written<WriteResult> {
    return { result: { kind: 'conflict', current: this.#history.get(key) }, events: [] };
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('The store is closed');
  }

  /** Sees to it that keys vanish at this time, or without one, when the next is due. */
  #scheduleExpiry(atMs = this.#history.nextExpiryMs()): void {
    if (atMs === undefined || this.#isClosed) return;
    if (this.#expiryTimer !== undefined && this.#expiryTimer.atMs <= atMs) return;
    this.#expiryTimer?.cancel();
    const delayMs = Math.max(EXPIRY_INTERVAL_MS, atMs - this.#clock.wallMs());
    const cancel = this.#clock.schedule(Math.min(delayMs, TIMER_MAX_MS), () => void this.#expire());
    this.#expiryTimer = { atMs, cancel };
  }

  async #expire(): Promise<void> {
    this.#expiryTimer = undefined;
    if (this.#isClosed) return;
    try {
      const nowMs = this.#clock.wallMs();
      await this.#submit(() => {
        const events = this.#history.expire(nowMs, EXPIRY_KEYS_MAX);
        return { result: undefined, events };
      });
    } catch (error) {
      this.#logger.error('Could not delete expired keys', { error });
    }
    this.#scheduleExpiry();
  }

  #scheduleCompaction(): void {
    this.#marks.push({ revision: this.#history.revision, atMs: this.#clock.monotonicMs() });
    this.#cancelCompaction = this.#clock.schedule(COMPACTION_INTERVAL_MS, () => {
      void this.#compactByAge();
      this.#scheduleCompaction();
    });
  }

  #scheduleFileCheck(): void {
    this.#cancelFileCheck = this.#clock.schedule(FILE_CHECK_INTERVAL_MS, () => {
      const lost = this.#database.lostFile();
      if (lost === undefined) return this.#scheduleFileCheck();
      this.#commit.fail(
        new Error(`The store is gone from its folder: "${lost}" was removed or replaced`),
      );
    });
  }

  async #compactByAge(): Promise<void> {
    const oldestMs = this.#clock.monotonicMs() - HISTORY_KEPT_MS;
    let target = this.#commit.syncedRevision - HISTORY_KEPT_REVISIONS;
    while (this.#marks[0] !== undefined && this.#marks[0].atMs <= oldestMs) {
      target = Math.max(target, this.#marks[0].revision);
      this.#marks.shift();
    }
    if (target <= this.#history.compactRevision) return;
    try {
      await this.compact(target);
      this.#logger.debug('Compacted the store', { revision: target });
    } catch (error) {
      this.#logger.error('Could not compact the store', { error });
    }
  }

  async #clean(): Promise<void> {
    try {
      while (!this.#history.isCleaned && !this.#isClosed) {
        await this.#commit.submit(() => {
          this.#history.clean(CLEAN_REVISIONS_MAX);
          return { result: undefined, events: [] };
        });
        await nextTurn();
      }
    } catch (error) {
      this.#logger.error('Could not clean the store', { error });
    }
  }
}

/** The batches without what is up to the revision: a watch may begin at one not reached yet. */
async function* after(
  revision: number,
  batches: AsyncIterable<StorageEventBatch>,
): AsyncGenerator<StorageEventBatch, void> {
  for await (const batch of batches) {
    if (batch.revision <= revision) continue;
    const isAllNew = batch.events.every(({ kv }) => kv.modRevision > revision);
    if (isAllNew) yield batch;
    else {
      const events = batch.events.filter(({ kv }) => kv.modRevision > revision);
      yield { events, revision: batch.revision };
    }
  }
}
