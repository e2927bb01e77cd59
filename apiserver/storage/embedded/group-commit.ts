/**
 * Puts the writes of one turn of the event loop, and those that arrive while a commit runs, into one
 * transaction, and acknowledges them all after it is on disk.
 *
 *     submit ─▶ queue ─▶ transaction (this thread) ─▶ sync of the log (thread pool) ─▶ publish ─▶ done
 *                 ▲                                                                      │
 *                 └──────────────────────── next group ◀─────────────────────────────────┘
 *
 * What is not on disk yet is visible to nobody: a reader that asks {@link GroupCommit.unsynced} sees
 * each key as it was before. When the sync fails, what is on disk is unknown, and the store accepts no
 * more writes until it has been opened again.
 */

import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import type { KeyValue, StorageEvent } from '../storage.ts';
import type { History } from './history.ts';

/** Keeps one transaction, which blocks this thread, to a few milliseconds. */
const GROUP_WRITES_MAX = 256;

/** Syncs what has been written to the file. */
export type SyncFile = (fd: number) => Promise<void>;

/** `fdatasync(2)` in the thread pool. */
export const syncFileData: SyncFile = promisify(fdatasync);

/** What a write did; it runs in a transaction and may run twice, the first time undone. */
export interface Written<T> {
  readonly result: T;
  readonly events: readonly StorageEvent[];
}

export interface GroupCommitOptions {
  readonly history: History;
  readonly logFd: number;
  readonly sync: SyncFile;
  /** Called for each group when it is on disk, before its writes are acknowledged. */
  readonly publish: (events: readonly StorageEvent[], revision: number) => void;
  /** Called once, when no more writes are accepted. */
  readonly onFailure: (failure: Error) => void;
}

interface Pending {
  /** Runs the write; what it returns is called when that is on disk. */
  readonly run: () => {
    readonly events: readonly StorageEvent[];
    readonly acknowledge: () => void;
  };
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: Pending[] = [];
  #isRunning = false;
  #failure: Error | undefined;
  #syncedRevision: number;
  #unsynced: ReadonlyMap<string, KeyValue | undefined> | undefined;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#syncedRevision = options.history.revision;
  }

  /** Everything up to this revision is on disk and published. */
  get syncedRevision(): number {
    return this.#syncedRevision;
  }

  /** Keys written but not on disk yet, as they were before; absent: all is on disk. */
  get unsynced(): ReadonlyMap<string, KeyValue | undefined> | undefined {
    return this.#unsynced;
  }

  /** Resolves when the write is on disk. Rejects when it was not done, or when that is unknown. */
  submit<T>(write: () => Written<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run: Pending['run'] = () => {
        const { events, result } = write();
        return { events, acknowledge: () => resolve(result) };
      };
      this.#queue.push({ run, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(this.#runGroup);
    });
  }

  /** From now on no write is accepted; the first failure is the one that is told. */
  fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#options.onFailure(failure);
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    if (!this.#isRunning) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  readonly #runGroup = (): void => {
    const group = this.#queue.splice(0, GROUP_WRITES_MAX);
    void this.#commit(group).then(() => {
      if (this.#queue.length > 0) return void setImmediate(this.#runGroup);
      this.#isRunning = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    });
  };

  /** Never rejects. */
  async #commit(group: readonly Pending[]): Promise<void> {
    const { history, logFd, sync, publish } = this.#options;
    if (this.#failure !== undefined) return rejectAll(group, this.#failure);
    let done: readonly ReturnType<Pending['run']>[];
    try {
      done = history.transaction(() => group.map(({ run }) => run()));
    } catch (error) {
      // One bad write must not take the others of its group with it.
      if (group.length === 1) return rejectAll(group, error);
      for (const pending of group) await this.#commit([pending]);
      return;
    }
    const events = done.flatMap((write) => write.events);
    if (events.length > 0) {
      this.#unsynced = stateBefore(events);
      try {
        await sync(logFd);
      } catch (error) {
        const failure = new Error('The store could not be synced to disk', { cause: error });
        this.fail(failure);
        return rejectAll(group, failure);
      }
      this.#unsynced = undefined;
      this.#syncedRevision = history.revision;
      publish(events, this.#syncedRevision);
    }
    for (const { acknowledge } of done) acknowledge();
  }
}

function stateBefore(events: readonly StorageEvent[]): Map<string, KeyValue | undefined> {
  const before = new Map<string, KeyValue | undefined>();
  for (const { kv, previous } of events) {
    if (!before.has(kv.key)) before.set(kv.key, previous);
  }
  return before;
}

function rejectAll(group: readonly Pending[], error: unknown): void {
  for (const { reject } of group) reject(error);
}
