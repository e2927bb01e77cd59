/**
 * The {@link Client} over HTTPS: JSON both ways, `Status` bodies as `ApiError`, a deadline for every
 * request, and client-go's retries: what the server answers with `Retry-After` (429 and 5xx) is
 * repeated up to ten times; so is an idempotent request whose idle connection had been closed.
 *
 * Source: kubernetes/client-go rest/{request,with_retry}.go, v0.36.
 */

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import type { DeleteOptions } from '../proto/api/gen/meta-v1.ts';
import type {
  Draft,
  KubernetesList,
  KubernetesObject,
  ObjectReference,
} from '../proto/api/meta.ts';
import { apiVersionOf, type Resource, resourcePath } from '../proto/api/resource.ts';
import type {
  Client,
  ListOptions,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import {
  ConnectionError,
  type HttpAnswer,
  type HttpRequest,
  HttpTransport,
  reasonOf,
} from './http-transport.ts';
import type { Connection } from './kubeconfig.ts';
import { readText, retryAfterMs, statusError } from './status-body.ts';
import { watchEvents } from './watch-stream.ts';

export interface RestClientOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** `skiff-scheduler`; the API server's default for the field manager is what is before a "/". */
  readonly userAgent: string;
  /** A request that takes longer fails. Default {@link REQUEST_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
}

/** As kubelet's and longer than the API server lets a request last that it can answer at all. */
const REQUEST_TIMEOUT_MS = 32_000;
/** As client-go's default. */
const RETRIES_MAX = 10;

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const METADATA_LIST = METADATA.replace('Metadata;', 'MetadataList;');

/** A request may be repeated although it is unknown whether the server acted on it. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/** Holds connections; {@link RestClient.close} when done. */
export class RestClient implements Client {
  readonly #transport: HttpTransport;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(options: RestClientOptions) {
    this.#transport = new HttpTransport(options.connection, options.userAgent);
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  async get<T>(resource: Resource<T>, target: ObjectReference, signal?: AbortSignal): Promise<T> {
    return (await this.request('GET', resourcePath(resource, target), undefined, {}, signal)) as T;
  }

  /** Items without kind and apiVersion, as upstream's typed lists have them, get them here. */
  async list<T>(
    resource: Resource<T>,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<KubernetesList<T>> {
    const { namespace, metadataOnly, ...rest } = options;
    const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
    const accept = metadataOnly === true ? { accept: METADATA_LIST } : {};
    const answer = await this.request('GET', path + queryOf(rest), undefined, accept, signal);
    const list = answer as KubernetesList<T>;
    const apiVersion = apiVersionOf(resource);
    const items = (list.items ?? []) as readonly { apiVersion?: string; kind?: string }[];
    for (const item of items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    // An empty list of Go may be null.
    return list.items === undefined || list.items === null ? { ...list, items: [] } : list;
  }

  async create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const { subresource } = options;
    const isSub = subresource !== undefined && name !== undefined;
    const path = resourcePath(resource, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(isSub ? { name, subresource } : {}),
    });
    return (await this.request('POST', path + writeQuery(options), object, {}, signal)) as T;
  }

  async update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const path = objectPath(resource, object.metadata, options);
    return (await this.request('PUT', path, object, {}, signal)) as T;
  }

  async patch<T>(
    resource: Resource<T>,
    target: ObjectReference,
    type: PatchType,
    body: unknown,
    options: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const path = objectPath(resource, target, options);
    const contentType = PATCH_TYPES[type];
    return (await this.request('PATCH', path, body, { contentType }, signal)) as T;
  }

  async delete(
    resource: Resource,
    target: ObjectReference,
    options: Partial<DeleteOptions> = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
    await this.request('DELETE', resourcePath(resource, target), body, {}, signal);
  }

  async *watch<T>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    const { namespace, metadataOnly, ...rest } = options;
    const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
    const accept = metadataOnly === true ? { accept: METADATA } : {};
    const body = await this.#open('GET', path + queryOf({ ...rest, watch: true }), accept, signal);
    yield* watchEvents<T>(body, path, signal);
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    options: { readonly contentType?: string; readonly accept?: string } = {},
    signal?: AbortSignal,
  ): Promise<unknown> {
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (body !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = { method, path, headers, ...(text === undefined ? {} : { body: text }) };
    return this.#withDeadline(request, signal, async (limited) => {
      const answer = await this.#sendWithRetries(request, limited);
      const received = await readText(answer.body);
      if (answer.status >= 400) throw statusError(answer.status, received, method, path);
      return parseBody(received, answer);
    });
  }

  /**
   * A request whose answer is read as it comes, as a pod's log: resolves with the body when the
   * headers are there. The body has no deadline; destroying it, or the signal, closes it.
   */
  stream(
    method: string,
    path: string,
    options: { readonly accept?: string } = {},
    signal?: AbortSignal,
  ): Promise<Readable> {
    return this.#open(method, path, options, signal ?? new AbortController().signal);
  }

  /**
   * Upgrades to a WebSocket with one of these subprotocols. It is paused: attach handlers, then
   * call `resume()`. Throws `ApiError` when refused.
   */
  async upgrade(
    path: string,
    options: { readonly protocols: readonly string[] },
    signal?: AbortSignal,
  ): Promise<WebSocket> {
    const { openWebSocket } = await import('./websocket.ts');
    return openWebSocket(this.#connection, path, options.protocols, signal);
  }

  /** Closes all connections; requests under way fail. */
  close(): void {
    this.#transport.close();
  }

  /** The deadline is for the headers. */
  async #open(
    method: string,
    path: string,
    options: { readonly accept?: string },
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const headers = { accept: options.accept ?? 'application/json' };
    const request: HttpRequest = { method, path, headers, isStream: true };
    const answer = await this.#withDeadline(request, signal, (limited) =>
      this.#sendWithRetries(request, limited),
    );
    // The deadline's signal is over; from here on only the caller's closes the body.
    const close = (): void => void answer.body.destroy(reasonOf(signal));
    signal.addEventListener('abort', close, { once: true });
    answer.body.once('close', () => signal.removeEventListener('abort', close));
    if (answer.status < 400) return answer.body;
    throw statusError(answer.status, await readText(answer.body), method, path);
  }

  async #sendWithRetries(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    for (let retries = 0; ; retries += 1) {
      let waitMs: number | undefined;
      try {
        const answer = await this.#transport.send(request, signal);
        waitMs = retryAfterMs(answer.status, answer.headers['retry-after']);
        if (waitMs === undefined || retries === RETRIES_MAX) return answer;
        await readText(answer.body);
      } catch (error) {
        if (retries === RETRIES_MAX || !isRepeatable(request, error)) throw error;
        continue;
      }
      await this.#clock.after(waitMs, signal);
      signal.throwIfAborted();
    }
  }

  async #withDeadline<R>(
    request: HttpRequest,
    signal: AbortSignal | undefined,
    run: (limited: AbortSignal) => Promise<R>,
  ): Promise<R> {
    signal?.throwIfAborted();
    const limit = new AbortController();
    const forward = (): void => limit.abort(signal?.reason);
    signal?.addEventListener('abort', forward, { once: true });
    const cancel = this.#clock.schedule(this.#timeoutMs, () => {
      const what = `${request.method} ${this.#connection.server}${request.path}`;
      limit.abort(new Error(`${what}: no answer within ${this.#timeoutMs} ms`));
    });
    try {
      return await run(limit.signal);
    } catch (error) {
      // A body cut off by the abort reports its own error: the reason is what callers look for.
      if (limit.signal.aborted) throw reasonOf(limit.signal);
      throw error;
    } finally {
      cancel();
      signal?.removeEventListener('abort', forward);
    }
  }
}

function isRepeatable(request: HttpRequest, error: unknown): boolean {
  if (!(error instanceof ConnectionError) || !error.isReused) return false;
  return error.code === 'ECONNRESET' && IDEMPOTENT.has(request.method);
}

function parseBody(text: string, answer: HttpAnswer): unknown {
  const type = answer.headers['content-type'] ?? 'application/json';
  return type.includes('json') && text !== '' ? JSON.parse(text) : text;
}

function objectPath(resource: Resource, target: ObjectReference, options: WriteOptions): string {
  const { name, namespace } = target;
  const { subresource } = options;
  const path = resourcePath(resource, {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
  });
  return path + writeQuery(options);
}

function writeQuery(options: WriteOptions): string {
  const { fieldManager, dryRun, force, fieldValidation } = options;
  return queryOf({
    fieldManager,
    dryRun: dryRun === true ? 'All' : undefined,
    force,
    fieldValidation,
  });
}

function queryOf(
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
