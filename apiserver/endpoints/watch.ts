/**
 * GET with `watch`: a stream of events, one JSON object a line. What the client has not seen comes
 * first: all current objects (resourceVersion empty or "0"), or the changes since its resourceVersion.
 *
 * Source: kubernetes.io "API concepts" (efficient detection of changes, streaming lists);
 * kubernetes/apiserver pkg/endpoints/handlers/watch.go, v0.36.
 */

import type { ServerResponse } from 'node:http';
import { ApiError, expired, internalError } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { type Negotiated, negotiate } from '../http/negotiate.ts';
import type { ResourceApi } from '../registry/resource-api.ts';
import { parseRevision } from '../registry/resource-store.ts';
import { keyOfTarget, keyPrefix } from '../registry/store-context.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { CompactedError, SlowWatcherError } from '../storage/storage.ts';
import { CachedObject, type CacheEvent, watchFrame } from '../storage/watch-cache/cached-object.ts';
import type { Endpoint } from './endpoint.ts';
import { type ListQuery, listQuery } from './list-options.ts';
import { newPresenter, type Presenter } from './present.ts';
import { parseSelection, type Selection } from './selection.ts';

/** Seconds that a watch without a timeout lives. Upstream: between 30 and 60 minutes. */
const DEFAULT_TIMEOUT_SECONDS = 3600;
/** Longer timeouts than a day are taken as a day; timers can't hold much more. */
const MAX_TIMEOUT_SECONDS = 86_400;
/** Current objects that are sent without letting anything else run. */
const INITIAL_CHUNK = 500;

export async function watch(endpoint: Endpoint): Promise<Answer> {
  const { api, request, namespace, name } = endpoint;
  const query = listQuery(request.query, true);
  const negotiated = negotiate(request.headers.accept, ['object', 'table', 'metadata']);
  const parsed = parseSelection(api, request.query);
  const selection = name === '' ? parsed : { ...parsed, isEverything: false, name };
  const { resourceVersion } = query;
  const isFromNow = resourceVersion === '' || resourceVersion === '0';
  await api.store.waitFor(resourceVersion, request.signal);
  const watcher = new Watcher({
    api,
    query,
    selection,
    prefix: watchedPrefix(api, namespace, selection),
    afterRevision:
      isFromNow || query.sendInitialEvents ? undefined : parseRevision(resourceVersion),
    presenter: presenterFor(endpoint, negotiated),
  });
  const seconds = Math.min(query.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS);
  return {
    kind: 'stream',
    code: 200,
    contentType: 'application/json',
    async write(response, signal) {
      const timeout = new AbortController();
      const cancel = endpoint.clock.schedule(seconds * 1000, () => timeout.abort());
      const ended = AbortSignal.any([signal, timeout.signal]);
      try {
        await watcher.run(response, ended);
      } finally {
        cancel();
      }
    },
  };
}

function presenterFor(endpoint: Endpoint, negotiated: Negotiated): Presenter | undefined {
  if (negotiated.shape === 'object') return undefined;
  const { api, request, clock } = endpoint;
  return newPresenter(api, negotiated, request.query, clock.wallMs());
}

/** The narrowest prefix that holds everything watched. */
function watchedPrefix(api: ResourceApi, namespace: string, selection: Selection): string {
  const { kind } = api.store;
  const isOne = selection.name !== undefined && (namespace !== '' || !kind.namespaced);
  return isOne
    ? keyOfTarget(kind, { namespace, name: selection.name ?? '' })
    : keyPrefix(kind, namespace);
}

interface WatcherOptions {
  readonly api: ResourceApi;
  readonly query: ListQuery;
  readonly selection: Selection;
  readonly prefix: string;
  /** Absent: all current objects come first. */
  readonly afterRevision: number | undefined;
  /** Absent: objects as they are. */
  readonly presenter: Presenter | undefined;
}

class Watcher {
  readonly #options: WatcherOptions;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Writes events until the signal is aborted or the client lags too far. */
  async run(response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { query } = this.#options;
    let revision = this.#options.afterRevision;
    try {
      if (revision === undefined) {
        revision = await this.#sendCurrent(response, signal);
        if (query.sendInitialEvents && query.allowBookmarks) {
          await send(response, this.#bookmark(revision, true), signal);
        }
      }
      while (!signal.aborted) revision = await this.#follow(response, revision, signal);
      if (query.allowBookmarks && response.writable)
        response.write(this.#bookmark(revision, false));
    } catch (error) {
      if (response.writable) response.write(errorFrame(error));
    }
  }

  async #sendCurrent(response: ServerResponse, signal: AbortSignal): Promise<number> {
    const { api, prefix, selection } = this.#options;
    const { revision, items } = api.store.cache.list({ prefix });
    let frames: Uint8Array[] = [];
    for (const cached of items) {
      if (!this.#isWatched(cached) || !selection.matches(cached)) continue;
      frames.push(this.#frame('ADDED', cached));
      if (frames.length < INITIAL_CHUNK) continue;
      await send(response, Buffer.concat(frames), signal);
      frames = [];
    }
    if (frames.length > 0) await send(response, Buffer.concat(frames), signal);
    return revision;
  }

  /** Follows the cache until the watch ends or has to begin anew; returns how far it came. */
  async #follow(response: ServerResponse, after: number, signal: AbortSignal): Promise<number> {
    const { api, prefix, query } = this.#options;
    let revision = after;
    const watched = api.store.cache.watch({
      afterRevision: after,
      prefix,
      filter: (event) => this.#concerns(event),
      bookmarks: query.allowBookmarks,
      signal,
    });
    for await (const batch of watched) {
      const frames = batch.events.map((event) => this.#eventFrame(event));
      if (frames.length === 0 && query.allowBookmarks && batch.revision > revision) {
        frames.push(this.#bookmark(batch.revision, false));
      }
      revision = batch.revision;
      const [only] = frames;
      if (only === undefined) continue;
      await send(response, frames.length === 1 ? only : Buffer.concat(frames), signal);
    }
    return revision;
  }

  #isWatched(cached: CachedObject<ApiObject>): boolean {
    const { name } = this.#options.selection;
    return name === undefined || cached.object.metadata.name === name;
  }

  #concerns({ current, previous, type }: CacheEvent<ApiObject>): boolean {
    const { selection } = this.#options;
    if (!this.#isWatched(current)) return false;
    if (selection.isEverything) return true;
    const isNow = type !== 'DELETED' && selection.matches(current);
    return isNow || (previous !== undefined && selection.matches(previous));
  }

  /** What the change looks like to somebody who sees the selected objects only. */
  #eventFrame(event: CacheEvent<ApiObject>): Uint8Array {
    const { selection, presenter, api } = this.#options;
    const { type, current, previous } = event;
    const isShared = presenter === undefined && api.view === undefined;
    if (selection.isEverything || type === 'DELETED') {
      return isShared ? event.frame : this.#frame(type, current);
    }
    const isNow = selection.matches(current);
    const wasBefore = previous !== undefined && selection.matches(previous);
    if (isNow && wasBefore) return isShared ? event.frame : this.#frame('MODIFIED', current);
    if (isNow) return this.#frame('ADDED', current);
    return this.#frame('DELETED', withRevision(previous ?? current, current.revision));
  }

  #frame(type: string, cached: CachedObject<ApiObject>): Uint8Array {
    const { api, presenter } = this.#options;
    const shown = api.show(cached);
    if (presenter === undefined) return watchFrame(type, shown.json);
    return watchFrame(type, Buffer.from(JSON.stringify(presenter.event(shown))));
  }

  /** An empty object of the kind that says only how far the watch is. */
  #bookmark(revision: number, isInitialEnd: boolean): Uint8Array {
    const { kind } = this.#options.api;
    const annotations = isInitialEnd
      ? { annotations: { 'k8s.io/initial-events-end': 'true' } }
      : {};
    const object = {
      kind: kind.kind,
      apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
      metadata: { resourceVersion: String(revision), creationTimestamp: null, ...annotations },
    };
    return watchFrame('BOOKMARK', Buffer.from(JSON.stringify(object)));
  }
}

/** The last state that was seen, with the revision of its going. */
function withRevision(cached: CachedObject<ApiObject>, revision: number): CachedObject<ApiObject> {
  const metadata = { ...cached.object.metadata, resourceVersion: String(revision) };
  return new CachedObject(cached.key, { ...cached.object, metadata }, revision);
}

/** Writes, and waits while the client is behind. */
async function send(
  response: ServerResponse,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (response.write(bytes) || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.on('drain', done);
    signal.addEventListener('abort', done);
  });
}

function errorFrame(error: unknown): Uint8Array {
  return watchFrame('ERROR', Buffer.from(JSON.stringify(statusOf(error))));
}

function statusOf(error: unknown): object {
  if (error instanceof ApiError) return error.status;
  if (error instanceof CompactedError) {
    return expired(`too old resource version: the oldest is ${error.compactRevision}`).status;
  }
  // The client begins again with a list.
  if (error instanceof SlowWatcherError) return expired(error.message).status;
  return internalError(error).status;
}
