/**
 * Reads one repository by the OCI distribution protocol: manifests and blobs, from the first of its
 * endpoints that has them. What is read is checked by whoever asked for it, against its digest.
 *
 * Source: OCI distribution-spec v1.1.
 */

import type { IncomingMessage } from 'node:http';
import { backoffMs } from '../../../../base/backoff.ts';
import type { Clock } from '../../../../base/clock.ts';
import type { BlobPart } from '../blob-store.ts';
import { DOCUMENT_BYTES_MAX, DOCUMENT_TYPES } from '../manifest.ts';
import { isTransient, PullError } from '../pull-error.ts';
import type { ImageName } from '../reference.ts';
import { Authorizer } from './authorizer.ts';
import { ANONYMOUS, type Credentials } from './credentials.ts';
import { connectionLost, type HttpClient, readBody } from './http-client.ts';
import type { Endpoint } from './registry-config.ts';

/** Redirects of one request. */
const REDIRECTS_MAX = 5;
/** Tries of a manifest at one endpoint. */
const ATTEMPTS_MAX = 3;
const RETRY = { initialMs: 200, maxMs: 5_000 };
/** Longest wait that a registry may ask for. */
const RETRY_AFTER_MAX_MS = 30_000;
/** Bytes of an error document that are read. */
const ERROR_BYTES_MAX = 64 * 1024;
/** Characters of a registry's own words in an error. */
const WORDS_MAX = 300;

export interface FetchedManifest {
  readonly bytes: Buffer;
  /** As the registry declares it, without parameters. */
  readonly mediaType: string;
  /** What the registry says the digest is; empty when it says nothing. */
  readonly digest: string;
}

export interface RegistryClientOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly endpoints: readonly Endpoint[];
  readonly name: ImageName;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

type Headers = Readonly<Record<string, string>>;

interface Source {
  readonly endpoint: Endpoint;
  readonly authorizer: Authorizer;
}

export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #sources: readonly Source[];
  /** Mirrors that did not answer: to wait for each of them at each blob would take minutes. */
  readonly #lost = new Set<Source>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    const scope = `repository:${options.name.path}:pull`;
    this.#sources = options.endpoints.map((endpoint) => {
      const credentials = endpoint.isOrigin ? options.credentials : ANONYMOUS;
      const authorizer = new Authorizer(options.http, endpoint, credentials, scope);
      return { endpoint, authorizer };
    });
  }

  /** `reference` is a tag or a digest. Throws a PullError. */
  fetchManifest(reference: string): Promise<FetchedManifest> {
    return this.#first((source) => this.#retried(() => this.#manifest(source, reference)));
  }

  /** The blob from an offset on, or from its start when the registry knows no ranges. */
  fetchBlob(digest: string, offset: number): Promise<BlobPart> {
    return this.#first(async (source) => {
      try {
        return await this.#blob(source, digest, offset);
      } catch (error) {
        const isRangeRefused = error instanceof PullError && error.kind === 'invalid' && offset > 0;
        if (isRangeRefused) return await this.#blob(source, digest, 0);
        throw error;
      }
    });
  }

  /** The answer of the first endpoint that has one, or the failure of the last, the registry itself. */
  async #first<T>(ask: (source: Source) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const source of this.#sources.filter((one) => !this.#lost.has(one))) {
      try {
        return await ask(source);
      } catch (error) {
        this.#options.signal.throwIfAborted();
        failure = error;
        const isLost = error instanceof PullError && error.kind === 'unavailable';
        if (isLost && !source.endpoint.isOrigin) this.#lost.add(source);
      }
    }
    throw failure;
  }

  async #retried<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask();
      } catch (error) {
        if (!isTransient(error) || failures + 1 >= ATTEMPTS_MAX) throw error;
        const wanted = error instanceof PullError ? error.retryAfterMs : 0;
        await clock.after(Math.max(wanted, backoffMs(RETRY, failures)), signal);
        signal.throwIfAborted();
      }
    }
  }

  async #manifest(source: Source, reference: string): Promise<FetchedManifest> {
    const response = await this.#get(source, `manifests/${reference}`, {
      accept: DOCUMENT_TYPES.join(', '),
    });
    const bytes = await readBody(response, DOCUMENT_BYTES_MAX);
    const [mediaType = ''] = (response.headers['content-type'] ?? '').split(';');
    const digest = response.headers['docker-content-digest'];
    return {
      bytes,
      mediaType: mediaType.trim(),
      digest: typeof digest === 'string' ? digest : '',
    };
  }

  async #blob(source: Source, digest: string, offset: number): Promise<BlobPart> {
    const range: Headers = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const response = await this.#get(source, `blobs/${digest}`, range);
    return { start: startOf(response, offset), body: withTransientErrors(response) };
  }

  /** Follows redirects and challenges. Any status but 200 and 206 throws. */
  async #get(source: Source, path: string, headers: Headers): Promise<IncomingMessage> {
    const { endpoint, authorizer } = source;
    const { signal, http } = this.#options;
    const first = this.#urlOf(endpoint, path);
    let url = first;
    let renewals = 0;
    for (let redirects = 0; ; ) {
      // What is for the registry is for nobody else, wherever it sends us (CVE-2020-15157).
      const header = url.origin === first.origin ? authorizer.header : undefined;
      const auth: Headers = header === undefined ? {} : { authorization: header };
      const response = await http.send({
        method: 'GET',
        url,
        headers: { ...headers, ...auth },
        caFile: endpoint.caFile,
        signal,
      });
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (status === 200 || status === 206) return response;
      if (status >= 301 && status <= 308 && location !== undefined) {
        response.destroy();
        redirects += 1;
        url = redirected(url, location, redirects);
        continue;
      }
      const challenge = response.headers['www-authenticate'] ?? '';
      const isOwn = url.origin === first.origin;
      if (status === 401 && isOwn && challenge !== '' && renewals < 2) {
        response.destroy();
        renewals += 1;
        if (await authorizer.renew(header, challenge, signal)) continue;
        throw this.#refused(source, 401, '');
      }
      throw await this.#failed(source, response);
    }
  }

  #urlOf({ url, isOrigin }: Endpoint, path: string): URL {
    const { name } = this.#options;
    const prefix = url.pathname.replace(/\/$/, '');
    const result = new URL(`${prefix}/v2/${name.path}/${path}`, url);
    if (!isOrigin) result.searchParams.set('ns', name.domain);
    return result;
  }

  async #failed(source: Source, response: IncomingMessage): Promise<PullError> {
    const status = response.statusCode ?? 0;
    const bytes = await readBody(response, ERROR_BYTES_MAX).catch(() => Buffer.alloc(0));
    const words = registryWords(bytes);
    if (status === 401 || status === 403) return this.#refused(source, status, words);
    if (status === 404)
      return new PullError(words === '' ? 'not found' : words, { kind: 'not-found' });
    const text = `${source.endpoint.url.host} answered ${status}${words === '' ? '' : `: ${words}`}`;
    const isBusy = status === 429 || status >= 500;
    if (!isBusy) return new PullError(text, { kind: 'invalid' });
    // A date, which is allowed as well, is no number: then our own back-off counts.
    const seconds = Number(response.headers['retry-after'] ?? 0) || 0;
    const retryAfterMs = Math.min(RETRY_AFTER_MAX_MS, Math.max(seconds, 0) * 1000);
    return new PullError(text, { kind: 'unavailable', isTransient: true, retryAfterMs });
  }

  /** A registry hides what one may not see: it may not exist at all. */
  #refused({ endpoint }: Source, status: number, words: string): PullError {
    const reason = status === 403 ? 'insufficient_scope' : 'authorization failed';
    return new PullError(
      'pull access denied, repository does not exist or may require authorization: ' +
        `server message: ${endpoint.url.host}: ${words === '' ? reason : words}`,
      { kind: 'unauthorized' },
    );
  }
}

/** The offset at which the body starts; throws when it is neither the one asked for nor 0. */
function startOf(response: IncomingMessage, offset: number): number {
  if (response.statusCode !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
  if (Number(start) === offset) return offset;
  response.destroy();
  throw new PullError('The registry answered another part of the blob', { kind: 'invalid' });
}

function redirected(from: URL, location: string, redirects: number): URL {
  if (redirects > REDIRECTS_MAX || !URL.canParse(location, from.href)) {
    throw new PullError(`${from.host} redirects without an end, or to nowhere`, {
      kind: 'invalid',
    });
  }
  const to = new URL(location, from);
  const isAllowed =
    to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
  if (isAllowed) return to;
  throw new PullError(`${from.host} redirects to "${to.protocol}", which is not HTTPS`, {
    kind: 'invalid',
  });
}

/** A connection that breaks in the middle of a body is worth another try. */
async function* withTransientErrors(body: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw connectionLost(error);
  }
}

/** What the error document says, in printable characters. */
function registryWords(bytes: Buffer): string {
  try {
    const { errors } = JSON.parse(bytes.toString('utf8'));
    const words = errors.map(({ code, message }: { code?: unknown; message?: unknown }) =>
      [code, message].filter((word) => typeof word === 'string' && word !== '').join(': '),
    );
    return words
      .join(', ')
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .slice(0, WORDS_MAX);
  } catch {
    return ''; // Many answer with a page of HTML, which says nothing.
  }
}
