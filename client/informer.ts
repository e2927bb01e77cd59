/**
 * Keeps a copy of the objects of one resource, up to date: a list, then a watch from the list's
 * resourceVersion; a broken watch is taken up where it was, an expired one begins with a new list.
 * Handlers hear every difference once, in order, synchronously, after the copy has changed; what
 * came and went between two lists isn't seen. Objects are shared: nobody changes them.
 *
 * Source: kubernetes/client-go tools/cache/reflector.go, v0.36.
 */

import { Backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type KubernetesObject, keyOf } from '../proto/api/meta.ts';
import { groupResource, type Resource } from '../proto/api/resource.ts';
import { isExpired } from '../proto/api/status-error.ts';
import type { Client, WatchEvent } from './client.ts';
import { type IndexFunction, ObjectStore } from './object-store.ts';

export interface InformerDependencies {
  readonly client: Pick<Client, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1); spreads the ends of watches. Default Math.random. */
  readonly random?: () => number;
}

export interface InformerOptions<T> {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Keep kind and metadata only. */
  readonly metadataOnly?: boolean;
  /** Asked with {@link Informer.byIndex}. */
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>>;
}

export interface InformerHandler<T> {
  onAdd?(object: T): void;
  onUpdate?(old: T, object: T): void;
  /** The last state that is known, which may not be the last there was. */
  onDelete?(object: T): void;
}

/** A watch is ended by the server after one to two times this, as client-go's. */
const WATCH_SECONDS_MIN = 300;
/** A watch that ends sooner than this without an event is a failure. */
const SHORT_WATCH_MS = 1_000;
/** Shorter than client-go's 0.8..30 s: a restarted API server is back within a second. */
const RETRY = { initialMs: 50, maxMs: 5_000 };

/** Call {@link Informer.run} once. */
export class Informer<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  /** Resolves when the first list is in the copy; rejects when the run ends before. */
  readonly hasSynced: Promise<void>;
  readonly #client: Pick<Client, 'list' | 'watch'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #selection: Omit<InformerOptions<T>, 'indexers'>;
  readonly #store: ObjectStore<T>;
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #backoff = new Backoff(RETRY);
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  /** Undefined: the next step is a list. */
  #resourceVersion: string | undefined;
  /** "0", any state the server has, for the first list; "", the newest, after a 410. */
  #listVersion = '0';

  constructor(
    dependencies: InformerDependencies,
    resource: Resource<T>,
    options: InformerOptions<T> = {},
  ) {
    const { indexers, ...selection } = options;
    this.resource = resource;
    this.#client = dependencies.client;
    this.#clock = dependencies.clock;
    this.#logger = dependencies.logger.with({ resource: groupResource(resource) });
    this.#random = dependencies.random ?? Math.random;
    this.#selection = selection;
    this.#store = new ObjectStore(indexers);
    this.hasSynced = this.#synced.promise;
    // Those who wait see the rejection; nobody waiting is no failure.
    this.hasSynced.catch(() => undefined);
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** By `namespace/name`. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  /** How many objects there are. */
  get size(): number {
    return this.#store.size;
  }

  list(): T[] {
    return [...this.#store.values()];
  }

  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  /** From now on; what is known already comes at once, as additions. */
  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#store.values()) this.#tell(() => handler.onAdd?.(object));
  }

  /** Returns when the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#relist(signal);
        await this.#watch(signal);
        this.#backoff.reset('');
      } catch (error) {
        if (signal.aborted) break;
        if (isExpired(error)) {
          this.#resourceVersion = undefined;
          this.#listVersion = '';
        }
        const retryMs = this.#backoff.next('');
        this.#logger.debug('Lost the watch', { error, retryMs });
        await this.#clock.after(retryMs, signal);
      }
    }
    this.#synced.reject(new Error('The informer ended before its first list'));
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { resource } = this;
    const options = { ...this.#selection, resourceVersion: this.#listVersion };
    const list = await this.#client.list(resource, options, signal);
    const keys = new Set<string>();
    for (const object of list.items) {
      keys.add(keyOf(object));
      this.#put(object);
    }
    for (const key of [...this.#store.keys()]) if (!keys.has(key)) this.#remove(key, undefined);
    this.#resourceVersion = list.metadata.resourceVersion ?? '';
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    let events = 0;
    const options = {
      ...this.#selection,
      resourceVersion: this.#resourceVersion ?? '',
      allowWatchBookmarks: true,
      timeoutSeconds: Math.floor(WATCH_SECONDS_MIN * (1 + this.#random())),
    };
    for await (const event of this.#client.watch(this.resource, options, signal)) {
      if (events === 0) this.#backoff.reset('');
      events += 1;
      this.#apply(event);
    }
    if (events === 0 && this.#clock.monotonicMs() - startedMs < SHORT_WATCH_MS) {
      throw new Error('The watch ended at once, without an event');
    }
  }

  #apply(event: WatchEvent<T>): void {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#put(event.object);
        break;
      case 'DELETED':
        this.#remove(keyOf(event.object), event.object);
        break;
      case 'BOOKMARK':
        break;
    }
    this.#resourceVersion = event.object.metadata.resourceVersion;
  }

  #put(received: T): void {
    const { apiVersion, kind, metadata } = received;
    // A server may send whole objects all the same.
    const object =
      this.#selection.metadataOnly === true ? ({ apiVersion, kind, metadata } as T) : received;
    const old = this.#store.set(object);
    if (old === undefined) this.#tellAll((handler) => handler.onAdd?.(object));
    else if (old.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew between two lists: two things happened.
      this.#tellAll((handler) => handler.onDelete?.(old));
      this.#tellAll((handler) => handler.onAdd?.(object));
    } else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#tellAll((handler) => handler.onUpdate?.(old, object));
    }
  }

  #remove(key: string, last: T | undefined): void {
    const old = this.#store.delete(key);
    if (old !== undefined) this.#tellAll((handler) => handler.onDelete?.(last ?? old));
  }

  #tellAll(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.#handlers) this.#tell(() => call(handler));
  }

  /** A handler's failure is its own: the copy and the other handlers go on. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error('A handler failed', { error });
    }
  }
}
