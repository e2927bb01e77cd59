/**
 * Keeps one watch of the whole etcd store running and hands its events to every watcher of this
 * process. It remembers the last batches, so that a watch that follows a list finds its beginning
 * here. After a lost connection it goes on where it was.
 */

import { Backoff } from '../../../base/backoff.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { RecentEvents } from '../recent-events.ts';
import { CompactedError, type StorageEvent, type StorageEventBatch } from '../storage.ts';
import { type Subscription, WATCH_BUFFER_EVENTS, WatchHub } from '../watch-hub.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { OwnWrites } from './own-writes.ts';
import { watchStore } from './watch-stream.ts';

/** Batches remembered: at some kilobytes each, a few megabytes, and a second of a busy store. */
const RECENT_BATCHES = 2000;

const RETRY = { initialMs: 50, maxMs: 2000 };

export interface StoreFeedOptions {
  readonly client: EtcdClient;
  readonly ownWrites: OwnWrites;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The store's revision: the feed begins after it. */
  readonly revision: number;
  readonly watchBufferEvents: number | undefined;
}

/** Where a watch begins: the past that is remembered, if all of it is, and the live events. */
export interface FeedStart {
  /** What is up to `until`; absent: it must be read from the store. */
  readonly past: StorageEventBatch | undefined;
  /** The live events come after this. */
  readonly until: number;
  readonly live: Subscription<StorageEvent>;
}

export class StoreFeed {
  readonly #options: StoreFeedOptions;
  readonly #hub: WatchHub<StorageEvent>;
  #recent: RecentEvents<StorageEventBatch>;

  constructor(options: StoreFeedOptions) {
    this.#options = options;
    const { revision, watchBufferEvents = WATCH_BUFFER_EVENTS } = options;
    this.#hub = new WatchHub(revision, watchBufferEvents);
    this.#recent = new RecentEvents(revision, RECENT_BATCHES);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#options;
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      try {
        const { watchClient } = client.etcd;
        for await (const batch of watchStore(watchClient, this.#hub.revision, signal)) {
          backoff.reset('watch');
          const { revision } = batch;
          const events = batch.events.map((event) => this.#withOwnBytes(event));
          this.#recent.add({ events, revision });
          this.#hub.publish(events, revision);
        }
      } catch (error) {
        if (signal.aborted) break;
        logger.warn('Lost the watch of etcd', { error, revision: this.#hub.revision });
        if (error instanceof CompactedError) this.#skipTo(error.compactRevision);
      }
      await clock.after(backoff.next('watch'), signal);
    }
    this.#hub.close();
  }

  /** Begins at once to collect what comes after `until`. */
  subscribe(prefix: string, afterRevision: number, signal: AbortSignal): FeedStart {
    const until = this.#hub.revision;
    const matches = ({ kv }: StorageEvent): boolean => kv.key.startsWith(prefix);
    const isWanted = (event: StorageEvent): boolean =>
      event.kv.modRevision > afterRevision && matches(event);
    const events = this.#recent.after(afterRevision)?.flatMap((batch) => batch.events);
    const past = events && { events: events.filter(isWanted), revision: until };
    const live = this.#hub.subscribe({ matches, signal, progress: 'every' });
    return { past, until, live };
  }

  #withOwnBytes(event: StorageEvent): StorageEvent {
    const { type, kv } = event;
    if (type === 'delete') return event;
    const value = this.#options.ownWrites.take(kv.key, kv.value);
    return value === kv.value ? event : { ...event, kv: { ...kv, value } };
  }

  /** Away for so long that history is gone: every watcher must list anew. */
  #skipTo(compactRevision: number): void {
    this.#hub.endAll(new CompactedError(compactRevision));
    this.#hub.publish([], compactRevision);
    this.#recent = new RecentEvents(compactRevision, RECENT_BATCHES);
  }
}
