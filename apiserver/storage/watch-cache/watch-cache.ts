/**
 * All objects of one resource in memory, kept up to date by a list and a watch of the Storage. Reads
 * and watches at any scale never touch the store; each version of an object is decoded once and
 * encoded once, whoever many look at it.
 *
 * A read is as new as the cache: to read one's own writes, or the newest there is, wait first
 * ({@link WatchCache.waitFor}, {@link WatchCache.waitForCurrent}). Selectors, and which event types
 * follow from them, are left to the caller.
 *
 * Source: kubernetes/apiserver pkg/storage/cacher, v0.36.
 */

import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Backoff } from '../../../base/backoff.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { RecentEvents } from '../recent-events.ts';
import { CompactedError, type KeyValue, type Storage, type StorageEventBatch } from '../storage.ts';
import { type Batch, WATCH_BUFFER_EVENTS, WatchHub } from '../watch-hub.ts';
import { CachedObject, CacheEvent } from './cached-object.ts';
import { SortedMap } from './sorted-map.ts';

/** How long a read waits for the cache to come as far as it needs. Source: upstream's 3 s. */
const WAIT_TIMEOUT_MS = 3000;

/** How often a watch that asks for it is told how far it is, so that it can begin there again. */
const BOOKMARK_INTERVAL_MS = 60_000;

/** Objects decoded without letting anything else run: a few milliseconds. */
const DECODE_OBJECTS_MAX = 200;

const RETRY = { initialMs: 100, maxMs: 5000 };

export interface WatchCacheOptions<T> {
  readonly storage: Storage;
  /** Every key of the resource begins with it: `/registry/pods/`. */
  readonly prefix: string;
  /**
   * The object of a stored value, with `kv.modRevision` as its resourceVersion. `remembered` is what
   * the caller gave to {@link WatchCache.remember} for these very bytes: it is the cache's now and
   * may be changed and returned. Throws when the value can't be read: the key then counts as absent.
   */
  readonly decode: (kv: KeyValue, remembered: T | undefined) => T;
  /** The JSON of what is stored, made when it is first asked for. Absent: the object is encoded. */
  readonly encode?: (kv: KeyValue) => Buffer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A watcher that lags by more events than this is dropped. */
  readonly watchBufferEvents?: number;
  /** How many events are kept to begin a watch in the past. */
  readonly recentEvents?: number;
}

export interface CacheListOptions {
  /** Only keys with this prefix, which begins with the cache's own; absent: all. */
  readonly prefix?: string;
  /** Begin after this key (exclusive). */
  readonly startAfter?: string;
  readonly limit?: number;
}

export interface CacheList<T> {
  /** Every change up to this revision is in the list, and none after. */
  readonly revision: number;
  /** In the order of their keys. */
  readonly items: readonly CachedObject<T>[];
  /** How many more there are after the last one. */
  readonly remaining: number;
}

export interface CacheWatchOptions<T> {
  /** What the watcher has: it gets the changes after this. */
  readonly afterRevision: number;
  /** Only keys with this prefix; absent: all. */
  readonly prefix?: string;
  /** Which events concern the watcher; what does not pass does not fill its buffer. */
  readonly filter?: (event: CacheEvent<T>) => boolean;
  /** A batch about every minute, also without events. */
  readonly bookmarks?: boolean;
  readonly signal: AbortSignal;
}

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The batches of a watch, to be iterated once; `requestProgress` makes the next come at once. */
export interface CacheWatch<T> extends AsyncIterable<Batch<CacheEvent<T>>> {
  requestProgress(): void;
}

/** What is replaced as a whole when the store has to be listed again. */
interface State<T> {
  readonly objects: SortedMap<CachedObject<T>>;
  readonly recent: RecentEvents<CacheEvent<T>>;
  readonly hub: WatchHub<CacheEvent<T>>;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

export class WatchCache<T> {
  readonly #options: WatchCacheOptions<T>;
  readonly #remembered = new WeakMap<Uint8Array, T>();
  readonly #waiters = new Set<Waiter>();
  #state: State<T> | undefined;

  constructor(options: WatchCacheOptions<T>) {
    this.#options = options;
  }

  /** Fills the cache and keeps it up to date; every watch ends with it. */
  async run(signal: AbortSignal): Promise<void> {
    const { storage, prefix, clock, logger } = this.#options;
    const backoff = new Backoff(RETRY);
    let isListNeeded = true;
    while (!signal.aborted) {
      try {
        if (isListNeeded) this.#replace(await this.#list());
        isListNeeded = false;
        for await (const batch of storage.watch(prefix, this.revision, signal)) {
          backoff.reset(prefix);
          this.#apply(batch);
        }
      } catch (error) {
        if (signal.aborted) break;
        isListNeeded ||= error instanceof CompactedError;
        logger.warn('Lost the watch of the store', { prefix, error });
      }
      await clock.after(backoff.next(prefix), signal);
    }
    this.#state?.hub.close();
  }

  /** Whether the cache has been filled: nothing else may be asked before. */
  get isReady(): boolean {
    return this.#state !== undefined;
  }

  /** Every change of the store up to here is in the cache. */
  get revision(): number {
    return this.#current().hub.revision;
  }

  get size(): number {
    return this.#current().objects.size;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#current().hub.watchers;
  }

  get(key: string): CachedObject<T> | undefined {
    return this.#current().objects.get(key);
  }

  list(options: CacheListOptions = {}): CacheList<T> {
    const { objects, hub } = this.#current();
    const range = objects.range({ ...options, prefix: options.prefix ?? this.#options.prefix });
    return { revision: hub.revision, items: range.values, remaining: range.remaining };
  }

  /**
   * Resolves to true once the cache has been filled and has reached the revision; with the embedded
   * store that is in the same turn in which a write was acknowledged. False: not within the time.
   */
  async waitFor(revision: number, options: WaitOptions = {}): Promise<boolean> {
    if (this.#hasReached(revision)) return true;
    const { timeoutMs = WAIT_TIMEOUT_MS, signal } = options;
    return await new Promise<boolean>((resolve) => {
      const end = (isReached: boolean): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        cancel();
        resolve(isReached);
      };
      const onAbort = (): void => end(false);
      const waiter: Waiter = { revision, resolve: () => end(true) };
      const cancel = this.#options.clock.schedule(timeoutMs, onAbort);
      signal?.addEventListener('abort', onAbort);
      this.#waiters.add(waiter);
    });
  }

  /** Waits until the cache is as new as the store was when this was called. */
  async waitForCurrent(options: WaitOptions = {}): Promise<boolean> {
    return this.waitFor(await this.#options.storage.currentRevision(), options);
  }

  /** The cache need not decode these bytes when the store hands them back: it takes the object. */
  remember(value: Uint8Array, object: T): void {
    this.#remembered.set(value, object);
  }

  /**
   * Every change after a revision, in order and without gaps. Throws {@link CompactedError} when the
   * past is gone, and `SlowWatcherError` when the reader lags too far. It may end by itself (the
   * store was listed anew): the watcher begins again where it was. Begins to collect at once.
   */
  watch(options: CacheWatchOptions<T>): CacheWatch<T> {
    const { prefix = '', filter = () => true, signal, afterRevision } = options;
    const { hub, recent } = this.#current();
    const matches = (event: CacheEvent<T>): boolean =>
      event.revision > afterRevision && event.current.key.startsWith(prefix) && filter(event);
    const until = hub.revision;
    const past = recent.after(afterRevision)?.filter(matches);
    const live = hub.subscribe({ matches, signal, progress: 'events' });
    const older = (): AsyncGenerator<Batch<CacheEvent<T>>, void> =>
      this.#watchOlder(afterRevision, until, { matches, signal });
    const cancelBookmarks =
      options.bookmarks === true ? this.#every(BOOKMARK_INTERVAL_MS, live) : () => undefined;
    const batches = async function* (): AsyncGenerator<Batch<CacheEvent<T>>, void> {
      try {
        if (past === undefined) yield* older();
        else if (past.length > 0) yield { events: past, revision: until };
        yield* live.batches();
      } finally {
        cancelBookmarks();
        live.close();
      }
    };
    signal.addEventListener('abort', cancelBookmarks);
    return {
      requestProgress: () => live.requestProgress(),
      [Symbol.asyncIterator]: batches,
    };
  }

  /** What the cache has no events of any more, from the store's history, up to a revision. */
  async *#watchOlder(
    afterRevision: number,
    until: number,
    filter: { readonly matches: (event: CacheEvent<T>) => boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<Batch<CacheEvent<T>>, void> {
    const { storage, prefix } = this.#options;
    for await (const batch of storage.watch(prefix, afterRevision, filter.signal)) {
      const events = batch.events
        .filter(({ kv }) => kv.modRevision <= until)
        .map(({ type, kv, previous }) => {
          const before = previous && this.#decode(previous);
          const current = this.#decode(kv);
          if (type === 'delete') return new CacheEvent('DELETED', current, before);
          return new CacheEvent(before === undefined ? 'ADDED' : 'MODIFIED', current, before);
        })
        .filter(filter.matches);
      if (events.length > 0) yield { events, revision: Math.min(until, batch.revision) };
      if (batch.revision >= until) return;
    }
  }

  async #list(): Promise<State<T>> {
    const { storage, prefix, recentEvents, watchBufferEvents } = this.#options;
    const { kvs, revision } = await storage.list(prefix);
    const objects = new SortedMap<CachedObject<T>>();
    for (const [index, kv] of kvs.entries()) {
      if (index % DECODE_OBJECTS_MAX === DECODE_OBJECTS_MAX - 1) await nextTurn();
      const object = this.#tryDecode(kv);
      if (object !== undefined) objects.set(kv.key, object);
    }
    const hub = new WatchHub<CacheEvent<T>>(revision, watchBufferEvents ?? WATCH_BUFFER_EVENTS);
    return { objects, recent: new RecentEvents(revision, recentEvents), hub };
  }

  /** Watches of the state before end; their watchers begin anew. */
  #replace(state: State<T>): void {
    this.#state?.hub.close();
    this.#state = state;
    this.#wake();
  }

  #apply(batch: StorageEventBatch): void {
    const { objects, recent, hub } = this.#current();
    const events: CacheEvent<T>[] = [];
    for (const { type, kv } of batch.events) {
      const previous = objects.get(kv.key);
      if (previous !== undefined && previous.revision >= kv.modRevision) continue;
      const current = this.#tryDecode(kv);
      if (type === 'put' && current !== undefined) {
        objects.set(kv.key, current);
        events.push(
          new CacheEvent(previous === undefined ? 'ADDED' : 'MODIFIED', current, previous),
        );
      } else if (previous !== undefined) {
        objects.delete(kv.key);
        const last = current ?? new CachedObject(kv.key, previous.object, kv.modRevision);
        events.push(new CacheEvent('DELETED', last, previous));
      }
    }
    for (const event of events) recent.add(event);
    hub.publish(events, batch.revision);
    this.#wake();
  }

  #tryDecode(kv: KeyValue): CachedObject<T> | undefined {
    try {
      return this.#decode(kv);
    } catch (error) {
      const { key, modRevision } = kv;
      this.#options.logger.error('Could not read a stored object', { key, modRevision, error });
      return undefined;
    }
  }

  #decode(kv: KeyValue): CachedObject<T> {
    const remembered = this.#remembered.get(kv.value);
    // Once only: a deletion brings the same bytes again, and the object is shared by now.
    if (remembered !== undefined) this.#remembered.delete(kv.value);
    const { decode, encode } = this.#options;
    const json = encode === undefined ? undefined : () => encode(kv);
    return new CachedObject(kv.key, decode(kv, remembered), kv.modRevision, json);
  }

  #current(): State<T> {
    assert.ok(this.#state !== undefined, `The cache of "${this.#options.prefix}" is not ready`);
    return this.#state;
  }

  #hasReached(revision: number): boolean {
    return this.#state !== undefined && this.#state.hub.revision >= revision;
  }

  #wake(): void {
    for (const { revision, resolve } of this.#waiters) {
      if (this.#hasReached(revision)) resolve();
    }
  }

  /** Asks for progress again and again until it is called off. */
  #every(intervalMs: number, watch: { requestProgress(): void }): () => void {
    const { clock } = this.#options;
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = clock.schedule(intervalMs, () => {
        watch.requestProgress();
        next();
      });
    };
    next();
    return () => cancel();
  }
}
