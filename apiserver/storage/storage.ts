/**
 * The contract between the API server and where it keeps its objects. Two implementations,
 * `embedded/` and `etcd/`, mean the same and pass one conformance suite.
 *
 * One global `revision` counts every write. A key's value has the revision that created it and the
 * one that last changed it. History is kept until it is compacted, so that a watch can begin in
 * the past. A write that was acknowledged is on disk.
 *
 * Keys are `/`-separated text such as `/registry/pods/default/web`; values are opaque bytes.
 * Source: etcd v3 API semantics; kubernetes/apiserver pkg/storage/interfaces.go, v0.36.
 */

/** A stored value. Invariant: 0 < createRevision <= modRevision <= revision of the store. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface GetResult {
  /** The store's revision at the time of the read. */
  readonly revision: number;
  readonly kv: KeyValue | undefined;
}

export interface ListOptions {
  /** At most this many values; absent: all. */
  readonly limit?: number;
  /** Begin after this key (exclusive); for the next page. */
  readonly startAfter?: string;
  /** Read the state as of this revision; absent: the newest. */
  readonly revision?: number;
}

export interface ListResult {
  /** The store's revision the list was read at: the asked one, or the newest. */
  readonly revision: number;
  /** In the order of their keys (bytes). */
  readonly kvs: readonly KeyValue[];
  /** Whether there are more keys after the last one. */
  readonly more: boolean;
  /** How many keys there are after the last one. */
  readonly remaining: number;
}

/** What a write expects the key's modRevision to be: 0 means that the key must not exist. */
export type Expected = number;

/**
 * `ok`: written and on disk. `conflict`: nothing was written, because the key is not at the expected
 * revision; `current` is what is there (absent: the key does not exist).
 */
export type WriteResult =
  | { readonly kind: 'ok'; readonly revision: number }
  | { readonly kind: 'conflict'; readonly current: KeyValue | undefined };

export interface WriteOptions {
  /** The key is deleted by the store this many seconds after this write, unless written again. */
  readonly ttlSeconds?: number;
}

/** One change; `previous` is absent for a creation. For a deletion `kv` has the last value, and
 * the revision of the deletion as its modRevision. */
export interface StorageEvent {
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
  readonly previous: KeyValue | undefined;
}

/** All changes of one or more revisions, in order, and up to which revision that is everything. */
export interface StorageEventBatch {
  readonly events: readonly StorageEvent[];
  /** Every change of the watched prefix up to this revision has been delivered. */
  readonly revision: number;
}

export interface Storage {
  /** The key as of now; linearizable. */
  get(key: string): Promise<GetResult>;

  /**
   * The keys with this prefix, in order. Throws {@link CompactedError} when the asked revision has
   * been compacted, and {@link FutureRevisionError} when it has not been reached.
   */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;

  /** Writes the value if the key is at the expected revision. */
  put(
    key: string,
    value: Uint8Array,
    expected: Expected,
    options?: WriteOptions,
  ): Promise<WriteResult>;

  /** Deletes the key if it is at the expected revision. */
  delete(key: string, expected: Expected): Promise<WriteResult>;

  /**
   * Every change to keys with this prefix after the revision, in order, without gaps, until the
   * signal is aborted (the iteration then ends). Batches without events tell progress, at least
   * every few seconds. Throws {@link CompactedError} when the history needed is gone, and
   * {@link SlowWatcherError} when the reader lags by more than the watch buffer.
   */
  watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<StorageEventBatch>;

  /** The newest revision. */
  currentRevision(): Promise<number>;

  /** Forgets history before this revision; what is current stays. */
  compact(revision: number): Promise<void>;

  /** Lets work under way end, and closes. */
  close(): Promise<void>;
}

/** The revision asked for is older than the history that is kept. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  readonly compactRevision: number;

  constructor(compactRevision: number, options?: ErrorOptions) {
    super(`The revision has been compacted; the oldest one kept is ${compactRevision}`, options);
    this.compactRevision = compactRevision;
  }
}

/** The revision asked for is newer than the store. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  readonly currentRevision: number;

  constructor(asked: number, currentRevision: number, options?: ErrorOptions) {
    super(`Revision ${asked} has not been reached; the newest one is ${currentRevision}`, options);
    this.currentRevision = currentRevision;
  }
}

/** A watcher did not take its events in time and was dropped; it may watch anew. */
export class SlowWatcherError extends Error {
  override readonly name = 'SlowWatcherError';
}
