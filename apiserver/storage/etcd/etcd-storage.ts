/**
 * A Storage in an etcd cluster, over its v3 API: what a cluster that outgrows one machine runs on.
 * Several API servers may share it.
 *
 * One watch of the whole store feeds all watchers of this process through a hub. So each revision of
 * the store is seen here as an event, and a watcher always knows how far it is.
 */

import type { IKeyValue, IResponseOp } from 'etcd3';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { compareKeys, prefixEnd } from '../key-order.ts';
import {
  CompactedError,
  FutureRevisionError,
  type GetResult,
  type KeyValue,
  type ListOptions,
  type ListResult,
  type Storage,
  type StorageEvent,
  type StorageEventBatch,
  type WriteOptions,
  type WriteResult,
} from '../storage.ts';
import { EtcdClient, EtcdUnavailableError, isCompacted, isFuture } from './etcd-client.ts';
import { HistoryKeeper } from './history-keeper.ts';
import { Leases } from './leases.ts';
import { OwnWrites } from './own-writes.ts';
import { StoreFeed } from './store-feed.ts';
import { toKeyValue, watchStore } from './watch-stream.ts';

/** Keys asked for at a time. Source: kube-apiserver's 10,000; values here are decoded at once. */
const PAGE_KEYS_MAX = 5000;

/** The first page is small: its values tell how many of them fit the next. */
const PAGE_KEYS_FIRST = 500;

/** What a page should hold at most, given values as large as those before. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** A key that is never there; reading it asks for the revision only. */
const NO_KEY = Buffer.from([0]);

/** `range_end` for "to the end". */
const TO_THE_END = Buffer.from([0]);

export interface EtcdStorageOptions {
  /** URLs of members: `http://127.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** A watcher that lags by more events than this is dropped. */
  readonly watchBufferEvents?: number;
}

/** Connects; throws when no member answers within ten seconds. */
export async function openEtcdStorage(options: EtcdStorageOptions): Promise<EtcdStorage> {
  const client = new EtcdClient(options.endpoints, options.clock);
  try {
    return new EtcdStorage(client, options, await fetchRevision(client));
  } catch (error) {
    client.close();
    throw error;
  }
}

export class EtcdStorage implements Storage {
  readonly #client: EtcdClient;
  readonly #leases: Leases;
  readonly #ownWrites = new OwnWrites();
  readonly #feed: StoreFeed;
  readonly #closing = new AbortController();
  readonly #background: Promise<unknown>;

  /** `revision` is the store's. */
  constructor(client: EtcdClient, options: EtcdStorageOptions, revision: number) {
    const { clock, logger, watchBufferEvents } = options;
    this.#client = client;
    this.#leases = new Leases(client, clock);
    const ownWrites = this.#ownWrites;
    this.#feed = new StoreFeed({ client, ownWrites, clock, logger, revision, watchBufferEvents });
    const keeper = new HistoryKeeper({ client, clock, logger });
    const { signal } = this.#closing;
    this.#background = Promise.all([this.#feed.run(signal), keeper.run(signal)]);
  }

  async get(key: string): Promise<GetResult> {
    const { header, kvs } = await this.#client.read('read a key', (options) =>
      this.#client.etcd.kv.range({ key: Buffer.from(key) }, options),
    );
    return { revision: Number(header.revision), kv: firstOf(kvs) };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    const kvs: KeyValue[] = [];
    let { revision, startAfter } = options;
    let remaining = 0;
    let pageKeys = PAGE_KEYS_FIRST;
    let bytes = 0;
    do {
      const page = await this.#page(prefix, startAfter, {
        limit: Math.min(pageKeys, limit - kvs.length),
        revision,
      });
      revision ??= Number(page.header.revision);
      for (const kv of page.kvs) {
        bytes += kv.value.length;
        kvs.push(toKeyValue(kv));
      }
      startAfter = kvs.at(-1)?.key;
      remaining = Number(page.count) - page.kvs.length;
      const averageBytes = Math.ceil(bytes / Math.max(1, kvs.length)) + 1;
      pageKeys = Math.max(1, Math.min(PAGE_KEYS_MAX, Math.floor(PAGE_BYTES / averageBytes)));
    } while (remaining > 0 && kvs.length < limit);
    return { revision, kvs, more: remaining > 0, remaining };
  }

  async put(
    key: string,
    value: Uint8Array,
    expected: number,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    const { ttlSeconds } = options;
    const lease = ttlSeconds === undefined ? '0' : await this.#leases.get(ttlSeconds);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const put = { request_put: { key: Buffer.from(key), value: bytes, lease } };
    this.#ownWrites.add(key, value);
    try {
      const result = await this.#txn(key, expected, put);
      if (result.kind === 'conflict') this.#ownWrites.drop(key, value);
      return result;
    } catch (error) {
      if (!(error instanceof EtcdUnavailableError)) throw error;
      return await this.#putAgain(key, bytes, expected, put);
    }
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    // etcd has nothing against deleting nothing.
    if (expected === 0) return { kind: 'conflict', current: (await this.get(key)).kv };
    return await this.#txn(key, expected, { request_delete_range: { key: Buffer.from(key) } });
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<StorageEventBatch> {
    if (signal.aborted || this.#closing.signal.aborted) return;
    const { live, past, until } = this.#feed.subscribe(prefix, afterRevision, signal);
    try {
      if (past === undefined) {
        yield* this.#watchPast(prefix, { after: afterRevision, until, signal });
      } else if (until > afterRevision) yield past;
      for await (const batch of live.batches()) {
        const events = batch.events.filter(({ kv }) => kv.modRevision > afterRevision);
        if (batch.revision > afterRevision) yield { events, revision: batch.revision };
      }
    } finally {
      live.close();
    }
  }

  async currentRevision(): Promise<number> {
    return await fetchRevision(this.#client);
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.call('compact', (options) =>
        this.#client.etcd.kv.compact({ revision }, options),
      );
    } catch (error) {
      if (isCompacted(error)) return;
      throw isFuture(error) ? await this.#futureError(revision, error) : error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#background;
    this.#client.close();
  }

  async #page(
    prefix: string,
    startAfter: string | undefined,
    { limit, revision }: { readonly limit: number; readonly revision: number | undefined },
  ) {
    const isAfter = startAfter !== undefined && compareKeys(startAfter, prefix) >= 0;
    const key = Buffer.from(isAfter ? `${startAfter}\0` : prefix === '' ? '\0' : prefix);
    const end = prefixEnd(prefix);
    const range_end = end === undefined ? TO_THE_END : Buffer.from(end);
    const request = { key, range_end, limit, revision: revision ?? 0 };
    try {
      return await this.#client.read('list keys', (options) =>
        this.#client.etcd.kv.range(request, options),
      );
    } catch (error) {
      if (isCompacted(error)) throw await this.#compactedError(error);
      throw isFuture(error) ? await this.#futureError(revision ?? 0, error) : error;
    }
  }

  async #txn(key: string, expected: number, write: object): Promise<WriteResult> {
    const keyBytes = Buffer.from(key);
    const { header, succeeded, responses } = await this.#client.call('write a key', (options) =>
      this.#client.etcd.kv.txn(
        {
          compare: [{ result: 'Equal', target: 'Mod', key: keyBytes, mod_revision: expected }],
          success: [write],
          failure: [{ request_range: { key: keyBytes } }],
        },
        options,
      ),
    );
    if (succeeded) return { kind: 'ok', revision: Number(header.revision) };
    const found: IResponseOp | undefined = responses[0];
    return { kind: 'conflict', current: firstOf(found?.response_range.kvs ?? []) };
  }

  /**
   * A write whose outcome is unknown is tried once more when etcd answers again. If the very same
   * value is there by then, and newer than expected, it was written the first time.
   */
  async #putAgain(key: string, value: Buffer, expected: number, put: object): Promise<WriteResult> {
    await fetchRevision(this.#client);
    const result = await this.#txn(key, expected, put);
    if (result.kind === 'ok' || result.current === undefined) return result;
    const { current } = result;
    const isOurs = current.modRevision > expected && value.equals(current.value);
    return isOurs ? { kind: 'ok', revision: current.modRevision } : result;
  }

  /** What the feed has no memory of, by a watch of its own, up to where the live events begin. */
  async *#watchPast(
    prefix: string,
    range: { readonly after: number; readonly until: number; readonly signal: AbortSignal },
  ): AsyncGenerator<StorageEventBatch, void> {
    const { after, until, signal } = range;
    const { watchClient } = this.#client.etcd;
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    const isMeant = ({ kv }: StorageEvent): boolean =>
      kv.key.startsWith(prefix) && kv.modRevision <= until;
    for await (const batch of watchStore(watchClient, after, ending)) {
      const revision = Math.min(until, batch.revision);
      yield { events: batch.events.filter(isMeant), revision };
      if (revision === until) return;
    }
  }

  async #futureError(revision: number, cause: unknown): Promise<FutureRevisionError> {
    return new FutureRevisionError(revision, await this.currentRevision(), { cause });
  }

  /** etcd names the oldest revision to watchers only. */
  async #compactedError(cause: unknown): Promise<CompactedError> {
    const { signal } = this.#closing;
    try {
      for await (const _ of watchStore(this.#client.etcd.watchClient, 0, signal)) break;
    } catch (error) {
      if (error instanceof CompactedError) return error;
    }
    return new CompactedError(0, { cause });
  }
}

async function fetchRevision(client: EtcdClient): Promise<number> {
  const { header } = await client.read('connect', (options) =>
    client.etcd.kv.range({ key: NO_KEY, count_only: true }, options),
  );
  return Number(header.revision);
}

function firstOf(kvs: readonly IKeyValue[]): KeyValue | undefined {
  const [kv] = kvs;
  return kv === undefined ? undefined : toKeyValue(kv);
}
