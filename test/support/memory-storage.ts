/**
 * A Storage in memory, as slow and obvious as possible: the history is an array, every question is
 * answered by going through it. It is the model that the real ones are compared with, and serves
 * unit tests of what is built on a Storage.
 */

import { compareKeys } from '../../apiserver/storage/key-order.ts';
import {
  CompactedError,
  FutureRevisionError,
  type GetResult,
  type KeyValue,
  type ListOptions,
  type ListResult,
  SlowWatcherError,
  type Storage,
  type StorageEvent,
  type StorageEventBatch,
  type WriteOptions,
  type WriteResult,
} from '../../apiserver/storage/storage.ts';
import type { Clock } from '../../base/clock.ts';

export interface MemoryStorageOptions {
  readonly clock: Clock;
  /** A watcher that lags by more events than this is dropped. */
  readonly watchBufferEvents?: number;
}

export class MemoryStorage implements Storage {
  readonly #clock: Clock;
  readonly #watchBufferEvents: number;
  /** The event at index i has revision i + 1. */
  readonly #events: StorageEvent[] = [];
  readonly #wake = new Set<() => void>();
  readonly #expiries = new Map<string, () => void>();
  #compacted = 0;
  #isClosed = false;

  constructor(options: MemoryStorageOptions) {
    this.#clock = options.clock;
    this.#watchBufferEvents = options.watchBufferEvents ?? 1000;
  }

  async get(key: string): Promise<GetResult> {
    return { revision: this.#events.length, kv: this.#state(this.#events.length).get(key) };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const {
      limit = Number.POSITIVE_INFINITY,
      startAfter,
      revision = this.#events.length,
    } = options;
    if (revision > this.#events.length) {
      throw new FutureRevisionError(revision, this.#events.length);
    }
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
    const all = [...this.#state(revision).values()]
      .filter(({ key }) => key.startsWith(prefix))
      .filter(({ key }) => startAfter === undefined || compareKeys(key, startAfter) > 0)
      .sort((a, b) => compareKeys(a.key, b.key));
    const kvs = all.slice(0, limit);
    const remaining = all.length - kvs.length;
    return { revision, kvs, more: remaining > 0, remaining };
  }

  async put(
    key: string,
    value: Uint8Array,
    expected: number,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    const current = this.#state(this.#events.length).get(key);
    if ((current?.modRevision ?? 0) !== expected) return { kind: 'conflict', current };
    const revision = this.#events.length + 1;
    const createRevision = current?.createRevision ?? revision;
    const kv: KeyValue = { key, value, createRevision, modRevision: revision };
    this.#append({ type: 'put', kv, previous: current });
    const { ttlSeconds } = options;
    if (ttlSeconds !== undefined) {
      const expire = (): void => void this.delete(key, revision);
      this.#expiries.set(key, this.#clock.schedule(ttlSeconds * 1000, expire));
    }
    return { kind: 'ok', revision };
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    const current = this.#state(this.#events.length).get(key);
    if (current === undefined || current.modRevision !== expected) {
      return { kind: 'conflict', current };
    }
    const revision = this.#events.length + 1;
    this.#append({ type: 'delete', kv: { ...current, modRevision: revision }, previous: current });
    return { kind: 'ok', revision };
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<StorageEventBatch> {
    if (afterRevision < this.#compacted) throw new CompactedError(this.#compacted);
    let delivered = afterRevision;
    while (!signal.aborted && !this.#isClosed) {
      const revision = this.#events.length;
      if (revision <= delivered) {
        await this.#changed(signal);
        continue;
      }
      const isInitial = delivered === afterRevision;
      const events = this.#events.slice(delivered).filter(({ kv }) => kv.key.startsWith(prefix));
      if (!isInitial && events.length > this.#watchBufferEvents) {
        throw new SlowWatcherError(`The watcher lags by ${events.length} events`);
      }
      delivered = revision;
      yield { events, revision };
    }
  }

  async currentRevision(): Promise<number> {
    return this.#events.length;
  }

  async compact(revision: number): Promise<void> {
    if (revision > this.#events.length) {
      throw new FutureRevisionError(revision, this.#events.length);
    }
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#expiries.values()) cancel();
    this.#notify();
  }

  #append(event: StorageEvent): void {
    this.#expiries.get(event.kv.key)?.();
    this.#expiries.delete(event.kv.key);
    this.#events.push(event);
    this.#notify();
  }

  #state(revision: number): Map<string, KeyValue> {
    const state = new Map<string, KeyValue>();
    for (const { type, kv } of this.#events.slice(0, revision)) {
      if (type === 'put') state.set(kv.key, kv);
      else state.delete(kv.key);
    }
    return state;
  }

  #notify(): void {
    for (const wake of this.#wake) wake();
  }

  /** Resolves at the next write, close, or abort. */
  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
