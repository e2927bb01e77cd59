/**
 * Serves the discovery documents. A client that lists the aggregated form in its `Accept` gets that,
 * and the answer's `Content-Type` says so; every other client gets the older form. Answers carry an
 * `ETag`, and `Vary: Accept` since both forms live at one address.
 *
 * Source: kubernetes/apiserver pkg/endpoints/discovery/aggregated/{negotiation,etag}.go, v0.36.
 */

import { createHash } from 'node:crypto';
import type { Answer } from '../http/answer.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { RawEndpoint } from '../registry/api-definition.ts';
import type { ServedApi } from '../registry/served-api.ts';
import { parseAccept } from './accept.ts';
import {
  type AggregatedVersion,
  aggregatedDocument,
  coreVersions,
  groupDocument,
  groupList,
  resourceList,
} from './documents.ts';

const PATH = /^\/(?:api(?:\/v1)?|apis(?:\/[^/]+(?:\/[^/]+)?)?)\/?$/;
const AGGREGATED_KIND = 'APIGroupDiscoveryList';
const AGGREGATED_GROUP = 'apidiscovery.k8s.io';

interface Document {
  readonly body: string;
  /** Quoted, as it stands in the header. */
  readonly etag: string;
}

/** The documents of one set of served resources; they are made once, when first asked for. */
export class DiscoveryEndpoint implements RawEndpoint {
  #api: ServedApi | undefined;
  readonly #documents = new Map<string, Document>();

  matches(path: string): boolean {
    return PATH.test(path);
  }

  handle(request: ApiRequest, api: ServedApi): Answer {
    if (this.#api !== api) {
      this.#documents.clear();
      this.#api = api;
    }
    const path = request.path.replace(/\/$/, '');
    const version = isRoot(path) ? aggregatedVersion(request.headers.accept) : undefined;
    const document = this.#documentAt(`${path} ${version ?? ''}`, () =>
      version === undefined
        ? legacyDocument(api, path)
        : aggregatedDocument(api, path === '/api' ? 'core' : 'named', version),
    );
    if (document === undefined) {
      return {
        kind: 'bytes',
        code: 404,
        contentType: 'text/plain; charset=utf-8',
        body: '404 page not found\n',
      };
    }
    const { body, etag } = document;
    const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' };
    const contentType = contentTypeOf(version);
    const isKnown = request.headers['if-none-match'] === etag;
    return isKnown
      ? { kind: 'bytes', code: 304, contentType, body: '', headers }
      : { kind: 'bytes', code: 200, contentType, body, headers };
  }

  #documentAt(key: string, make: () => object | undefined): Document | undefined {
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const tree = make();
    // What does not exist is not remembered: anybody can ask for any number of such paths.
    if (tree === undefined) return undefined;
    const body = `${JSON.stringify(tree)}\n`;
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    const document = { body, etag: `"${hash}"` };
    this.#documents.set(key, document);
    return document;
  }
}

function isRoot(path: string): boolean {
  return path === '/api' || path === '/apis';
}

/** The best form that the client asks for; undefined: the older form. */
function aggregatedVersion(accept: string | undefined): AggregatedVersion | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    if (!parameters.has('as')) return undefined;
    const version = parameters.get('v');
    const isOurs =
      parameters.get('as') === AGGREGATED_KIND && parameters.get('g') === AGGREGATED_GROUP;
    if (isOurs && (version === 'v2' || version === 'v2beta1')) return version;
  }
  return undefined;
}

function contentTypeOf(version: AggregatedVersion | undefined): string {
  if (version === undefined) return 'application/json';
  return `application/json;g=${AGGREGATED_GROUP};v=${version};as=${AGGREGATED_KIND}`;
}

function legacyDocument(api: ServedApi, path: string): object | undefined {
  const [root, first, second] = path.split('/').slice(1);
  if (root === 'api') return first === undefined ? coreVersions() : resourceList(api, '', first);
  if (first === undefined) return groupList(api);
  return second === undefined ? groupDocument(api, first) : resourceList(api, first, second);
}
