/**
 * GET of a collection: from the watch cache, or from the store's history when an exact revision was
 * asked for, as a later page is.
 *
 * Source: kubernetes.io "API concepts" (resource versions, chunking); apiserver pkg/storage/cacher, v0.36.
 */

import { expired, newApiError } from '../../proto/api/status-error.ts';
import type { Answer } from '../http/answer.ts';
import { negotiate } from '../http/negotiate.ts';
import type { Shown } from '../registry/resource-api.ts';
import { parseRevision } from '../registry/resource-store.ts';
import { keyPrefix } from '../registry/store-context.ts';
import { decodeStored } from '../registry/stored-form.ts';
import type { ApiObject } from '../registry/strategy.ts';
import { CompactedError, FutureRevisionError } from '../storage/storage.ts';
import { CachedObject } from '../storage/watch-cache/cached-object.ts';
import { continueExpired, decodeContinue, encodeContinue, NEWEST } from './continue-token.ts';
import type { Endpoint } from './endpoint.ts';
import { type ListQuery, listQuery } from './list-options.ts';
import { type ListMetadata, newPresenter } from './present.ts';
import { parseSelection, type Selection } from './selection.ts';

/** One page, selected. */
interface Page {
  readonly revision: number;
  readonly items: readonly CachedObject<ApiObject>[];
  /** How many there are after the page; undefined when a selector makes it unknown. */
  readonly remaining: number | undefined;
  /** The last key that was looked at, when there is more. */
  readonly lastKey: string | undefined;
}

/** Values read from the history at a time, where a selector may pass over most of them. */
const SCAN_KEYS = 500;

export async function list(endpoint: Endpoint): Promise<Answer> {
  const { api, request } = endpoint;
  const query = listQuery(request.query, false);
  const negotiated = negotiate(request.headers.accept, ['object', 'table', 'metadata-list']);
  const selection = parseSelection(api, request.query);
  const page = await readPage(endpoint, query, selection);
  const metadata = metadataOf(endpoint, page);
  const items = page.items.map((cached) => api.show(cached));
  if (negotiated.shape !== 'object') {
    const presenter = newPresenter(api, negotiated, request.query, endpoint.clock.wallMs());
    return { kind: 'object', code: 200, object: presenter.list(items, metadata) };
  }
  return listAnswer(endpoint, items, metadata);
}

/** Only as much as the answer needs is encoded: items have their JSON already. */
function listAnswer(endpoint: Endpoint, items: readonly Shown[], metadata: ListMetadata): Answer {
  const { group, version, list: listKind } = endpoint.api.kind;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const head = JSON.stringify({ kind: listKind, apiVersion, metadata }).slice(0, -1);
  return {
    kind: 'object',
    code: 200,
    get object() {
      const objects = items.map(({ object }) => object);
      return { kind: listKind, apiVersion, metadata, items: objects };
    },
    get prepared() {
      const parts: Uint8Array[] = [Buffer.from(`${head},"items":[`)];
      for (const [index, { json }] of items.entries()) {
        if (index > 0) parts.push(COMMA);
        parts.push(json);
      }
      parts.push(LIST_END);
      return Buffer.concat(parts);
    },
  };
}

const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}\n');

async function readPage(endpoint: Endpoint, query: ListQuery, selection: Selection): Promise<Page> {
  const { api, request } = endpoint;
  const { resourceVersion, match, limit } = query;
  if (query.continueToken !== '') return continuePage(endpoint, query, selection);
  const isLegacyExact = match === '' && limit > 0 && !['', '0'].includes(resourceVersion);
  if (match === 'Exact' || isLegacyExact) {
    const revision = parseRevision(resourceVersion);
    await api.store.waitFor(resourceVersion, request.signal);
    return historyPage(endpoint, { revision, after: '', limit }, selection);
  }
  await api.store.waitFor(resourceVersion, request.signal);
  // Upstream gives everything for "0", whatever the limit; reflectors count on a whole list.
  return cachePage(endpoint, resourceVersion === '0' ? 0 : limit, '', selection);
}

async function continuePage(
  endpoint: Endpoint,
  query: ListQuery,
  selection: Selection,
): Promise<Page> {
  if (!['', '0'].includes(query.resourceVersion)) {
    throw newApiError(
      400,
      'BadRequest',
      'specifying resource version is not allowed when using continue',
    );
  }
  const { revision, after } = decodeContinue(query.continueToken);
  if (revision === NEWEST) {
    await endpoint.api.store.waitFor('');
    return cachePage(endpoint, query.limit, after, selection);
  }
  return historyPage(endpoint, { revision, after, limit: query.limit }, selection).catch(
    (error: unknown) => {
      const isExpired = error instanceof Error && error.cause instanceof CompactedError;
      throw isExpired ? continueExpired(after) : error;
    },
  );
}

function cachePage(
  { api, namespace }: Endpoint,
  limit: number,
  after: string,
  selection: Selection,
): Page {
  const { cache } = api.store;
  const prefix = keyPrefix(api.store.kind, namespace);
  const start = after === '' ? {} : { startAfter: prefix + after };
  if (selection.isEverything) {
    const page = cache.list({ prefix, ...start, ...(limit > 0 ? { limit } : {}) });
    const lastKey = page.remaining > 0 ? page.items.at(-1)?.key : undefined;
    return { revision: page.revision, items: page.items, remaining: page.remaining, lastKey };
  }
  if (selection.name !== undefined && (namespace !== '' || !api.kind.namespaced)) {
    const one = cache.get(prefix + selection.name);
    const items = one !== undefined && selection.matches(one) ? [one] : [];
    return { revision: cache.revision, items, remaining: undefined, lastKey: undefined };
  }
  const all = cache.list({ prefix, ...start });
  const selected = all.items.filter((cached) => selection.matches(cached));
  const isCut = limit > 0 && selected.length > limit;
  const items = isCut ? selected.slice(0, limit) : selected;
  const lastKey = isCut ? items.at(-1)?.key : undefined;
  return { revision: all.revision, items, remaining: undefined, lastKey };
}

async function historyPage(
  { api, namespace }: Endpoint,
  from: { readonly revision: number; readonly after: string; readonly limit: number },
  selection: Selection,
): Promise<Page> {
  const prefix = keyPrefix(api.store.kind, namespace);
  const { revision } = from;
  const limit = from.limit > 0 ? from.limit : Number.POSITIVE_INFINITY;
  const items: CachedObject<ApiObject>[] = [];
  let startAfter = from.after === '' ? undefined : prefix + from.after;
  for (;;) {
    const want = selection.isEverything ? Math.min(limit, SCAN_KEYS) : SCAN_KEYS;
    const chunk = await api.store.storage
      .list(prefix, {
        revision,
        limit: want,
        ...(startAfter === undefined ? {} : { startAfter }),
      })
      .catch(rethrowExpired);
    for (const [index, kv] of chunk.kvs.entries()) {
      startAfter = kv.key;
      const cached = new CachedObject(kv.key, decodeStored(kv), kv.modRevision);
      if (selection.matches(cached)) items.push(cached);
      if (items.length < limit) continue;
      const left = chunk.kvs.length - index - 1 + chunk.remaining;
      const remaining = selection.isEverything ? left : undefined;
      return { revision, items, remaining, lastKey: left > 0 ? kv.key : undefined };
    }
    if (!chunk.more) return { revision, items, remaining: 0, lastKey: undefined };
  }
}

function rethrowExpired(error: unknown): never {
  if (error instanceof CompactedError) {
    const { status } = expired('The resourceVersion for the provided list is too old.');
    throw newApiError(410, 'Expired', status.message ?? '', undefined, { cause: error });
  }
  if (error instanceof FutureRevisionError) {
    throw newApiError(504, 'Timeout', `Timeout: ${error.message}`, { retryAfterSeconds: 1 });
  }
  throw error;
}

function metadataOf({ api, namespace }: Endpoint, page: Page): ListMetadata {
  const resourceVersion = String(page.revision);
  if (page.lastKey === undefined) return { resourceVersion };
  const after = page.lastKey.slice(keyPrefix(api.store.kind, namespace).length);
  const token = encodeContinue({ revision: page.revision, after });
  return page.remaining === undefined
    ? { resourceVersion, continue: token }
    : { resourceVersion, continue: token, remainingItemCount: page.remaining };
}
