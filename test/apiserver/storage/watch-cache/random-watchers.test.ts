import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  CompactedError,
  SlowWatcherError,
  type Storage,
  type StorageEventBatch,
} from '../../../../apiserver/storage/storage.ts';
import { WatchCache } from '../../../../apiserver/storage/watch-cache/watch-cache.ts';
import { silentLogger } from '../../../../base/logger.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { bytes, text } from '../../../support/storage-harness.ts';

const KEYS = ['/r/a', '/r/b', '/r/n/a', '/r/n/b', '/other/a'] as const;
const RECENT_EVENTS = 4;

type Step =
  | { readonly kind: 'put' | 'delete'; readonly key: string }
  | { readonly kind: 'settle' }
  | { readonly kind: 'watch'; readonly back: number; readonly prefix: string }
  | { readonly kind: 'compact'; readonly back: number }
  | { readonly kind: 'fail' };

const key = fc.constantFrom(...KEYS);
const back = fc.nat(8);
const weighted: readonly [number, fc.Arbitrary<Step>][] = [
  [10, fc.record({ kind: fc.constant('put'), key })],
  [4, fc.record({ kind: fc.constant('delete'), key })],
  [4, fc.record({ kind: fc.constant('settle') })],
  [3, fc.record({ kind: fc.constant('watch'), back, prefix: fc.constantFrom('/r/', '/r/n/') })],
  [1, fc.record({ kind: fc.constant('compact'), back })],
  [1, fc.record({ kind: fc.constant('fail') })],
];
const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** A Storage whose watches can be made to fail. */
class FailingStorage extends MemoryStorage {
  #failures = new AbortController();

  failWatches(): void {
    this.#failures.abort();
    this.#failures = new AbortController();
  }

  override async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<StorageEventBatch> {
    const failing = this.#failures.signal;
    yield* super.watch(prefix, afterRevision, AbortSignal.any([signal, failing]));
    if (failing.aborted && !signal.aborted) throw new SlowWatcherError('As the test wants it');
  }
}

/** What somebody knows who listed at a revision and followed the events since. */
class Follower {
  readonly prefix: string;
  readonly #cache: WatchCache<string>;
  #state = new Map<string, string>();
  #revision = 0;

  constructor(cache: WatchCache<string>, prefix: string) {
    this.#cache = cache;
    this.prefix = prefix;
  }

  /** Follows until the signal is aborted; begins anew when the past is gone. */
  async run(storage: Storage, from: number, signal: AbortSignal): Promise<void> {
    await this.#list(storage, from);
    while (!signal.aborted) {
      try {
        const { prefix } = this;
        const watch = this.#cache.watch({ afterRevision: this.#revision, prefix, signal });
        for await (const batch of watch) {
          for (const { type, current, previous } of batch.events) {
            assert.ok(current.revision > this.#revision, 'An event came twice or too late');
            assert.equal(this.#state.get(current.key), previous?.object);
            assert.equal(type === 'ADDED', previous === undefined);
            if (type === 'DELETED') this.#state.delete(current.key);
            else this.#state.set(current.key, current.object);
            this.#revision = current.revision;
          }
          assert.ok(batch.revision >= this.#revision);
          this.#revision = batch.revision;
        }
      } catch (error) {
        if (!(error instanceof CompactedError)) throw error;
        await this.#list(storage, undefined);
      }
    }
  }

  get state(): object {
    return Object.fromEntries([...this.#state].sort());
  }

  async #list(storage: Storage, from: number | undefined): Promise<void> {
    const options = from === undefined ? {} : { revision: from };
    const { kvs, revision } = await storage.list(this.prefix, options).catch((error: unknown) => {
      if (error instanceof CompactedError) return storage.list(this.prefix);
      throw error;
    });
    // The cache may lag; nobody lists what it has not reached.
    await this.#cache.waitFor(revision);
    this.#state = new Map(kvs.map((kv) => [kv.key, text(kv.value) ?? '']));
    this.#revision = revision;
  }
}

describe('WatchCache with random writers and watchers', () => {
  it('leaves every watcher with the state of the store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const clock = new FakeClock();
        const storage = new FailingStorage({ clock, watchBufferEvents: 1000 });
        const cache = new WatchCache<string>({
          storage,
          prefix: '/r/',
          decode: (kv) => text(kv.value) ?? '',
          clock,
          logger: silentLogger,
          recentEvents: RECENT_EVENTS,
        });
        const controller = new AbortController();
        const { signal } = controller;
        const running = [cache.run(signal)];
        const followers: Follower[] = [];
        for (const [index, one] of steps.entries()) {
          const newest = await storage.currentRevision();
          switch (one.kind) {
            case 'put':
            case 'delete': {
              const expected = (await storage.get(one.key)).kv?.modRevision ?? 0;
              if (one.kind === 'put') await storage.put(one.key, bytes(`${index}`), expected);
              else await storage.delete(one.key, expected);
              break;
            }
            case 'settle':
              await clock.advance(10_000);
              break;
            case 'watch': {
              const follower = new Follower(cache, one.prefix);
              followers.push(follower);
              running.push(follower.run(storage, Math.max(0, newest - one.back), signal));
              break;
            }
            case 'compact':
              await storage.compact(Math.max(0, newest - one.back));
              break;
            case 'fail':
              storage.failWatches();
          }
        }
        await clock.advance(10_000);
        await clock.advance(10_000);
        await settle();
        const { kvs, revision } = await storage.list('/r/');
        assert.equal(cache.revision, revision);
        assert.deepEqual(
          cache.list().items.map(({ key: name, object }) => [name, object]),
          kvs.map((kv) => [kv.key, text(kv.value)]),
        );
        for (const follower of followers) {
          const below = kvs.filter((kv) => kv.key.startsWith(follower.prefix));
          const want = Object.fromEntries(below.map((kv) => [kv.key, text(kv.value)]));
          assert.deepEqual(follower.state, want);
        }
        controller.abort();
        await Promise.all(running);
        await storage.close();
      }),
      { numRuns: 100 },
    );
  });
});
