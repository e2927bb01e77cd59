/**
 * Serves the OpenAPI documents: `/openapi/v2` whole, as protobuf to the clients that take nothing
 * else (kubectl up to 1.26 for every apply) and as JSON to the others; `/openapi/v3` as an index and
 * a document for each group version, whose address holds a hash, so that clients keep it for ever.
 *
 * Source: kubernetes/kube-openapi pkg/handler, pkg/handler3, v0.36.
 */

import { createHash } from 'node:crypto';
import { newApiError } from '../../proto/api/status-error.ts';
import { parseAccept } from '../discovery/accept.ts';
import type { Answer, Headers } from '../http/answer.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { RawEndpoint } from '../registry/api-definition.ts';
import type { ServedApi } from '../registry/served-api.ts';
import type { OpenApiSource } from './source.ts';

const PROTOBUF_TYPES: readonly string[] = [
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  // The name that clients ask for.
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
];
const V2 = '/openapi/v2';
const V3 = '/openapi/v3';
/** How long a document at an address with a hash may be kept: it never changes. */
const YEAR_SECONDS = 365 * 24 * 3600;

interface Document {
  readonly body: string | Uint8Array;
  readonly hash: string;
}

/** The documents of one set of served resources; each is made once, when first asked for. */
export class OpenApiEndpoint implements RawEndpoint {
  readonly #source: OpenApiSource;
  #api: ServedApi | undefined;
  readonly #documents = new Map<string, Document>();

  constructor(source: OpenApiSource) {
    this.#source = source;
  }

  matches(path: string): boolean {
    return path === V2 || path === V3 || path.startsWith(`${V3}/`);
  }

  handle(request: ApiRequest, api: ServedApi): Answer {
    if (this.#api !== api) {
      this.#documents.clear();
      this.#api = api;
    }
    const path = request.path.replace(/\/$/, '');
    if (path === V2) return this.#answerV2(request, api);
    if (path === V3) return this.#answerIndex(request, api);
    return this.#answerV3(request, api, path.slice(V3.length + 1));
  }

  #answerV2(request: ApiRequest, api: ServedApi): Answer {
    const form = v2Form(request.headers.accept);
    if (form === undefined) {
      const why = `only the following media types are accepted: application/json, ${PROTOBUF_TYPES[0]}`;
      throw newApiError(406, 'NotAcceptable', why);
    }
    const document = this.#document(`v2 ${form}`, () =>
      form === 'json' ? JSON.stringify(this.#source.v2(api)) : this.#source.v2Protobuf(api),
    );
    const contentType = form === 'json' ? 'application/json' : (PROTOBUF_TYPES[0] ?? '');
    return answer(request, document, contentType, { Vary: 'Accept' });
  }

  #answerIndex(request: ApiRequest, api: ServedApi): Answer {
    const document = this.#document('v3', () => {
      const paths = api.groupVersions.map(({ group, version }) => {
        const name = group === '' ? `api/${version}` : `apis/${group}/${version}`;
        const { hash } = this.#v3Document(api, group, version);
        return [name, { serverRelativeURL: `${V3}/${name}?hash=${hash}` }];
      });
      return `${JSON.stringify({ paths: Object.fromEntries(paths) })}\n`;
    });
    return answer(request, document, 'application/json', { Vary: 'Accept' });
  }

  #answerV3(request: ApiRequest, api: ServedApi, name: string): Answer {
    const [root, ...rest] = name.split('/');
    const [group, version] = root === 'api' ? ['', rest[0]] : [rest[0], rest[1]];
    const served = api.groupVersions.find((one) => one.group === group && one.version === version);
    if (served === undefined) {
      const contentType = 'text/plain; charset=utf-8';
      return { kind: 'bytes', code: 404, contentType, body: '404 page not found\n' };
    }
    const document = this.#v3Document(api, served.group, served.version);
    const asked = request.query.get('hash');
    if (asked !== null && asked !== document.hash) {
      const headers = { Location: `${V3}/${name}?hash=${document.hash}` };
      return { kind: 'bytes', code: 301, contentType: 'text/plain', body: '', headers };
    }
    const kept: Headers =
      asked === null ? {} : { 'Cache-Control': `public, immutable, max-age=${YEAR_SECONDS}` };
    return answer(request, document, 'application/json', { Vary: 'Accept', ...kept });
  }

  #v3Document(api: ServedApi, group: string, version: string): Document {
    return this.#document(`v3 ${group}/${version}`, () =>
      JSON.stringify(this.#source.v3(api, group, version)),
    );
  }

  #document(key: string, make: () => string | Uint8Array): Document {
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const body = make();
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    const document = { body, hash };
    this.#documents.set(key, document);
    return document;
  }
}

function answer(
  request: ApiRequest,
  document: Document,
  contentType: string,
  more: Headers,
): Answer {
  const etag = `"${document.hash}"`;
  const headers = { ETag: etag, ...more };
  if (request.headers['if-none-match'] === etag) {
    return { kind: 'bytes', code: 304, contentType, body: '', headers };
  }
  return { kind: 'bytes', code: 200, contentType, body: document.body, headers };
}

/** The form of version 2 that the client prefers; nothing said is JSON. */
function v2Form(accept: string | undefined): 'json' | 'protobuf' | undefined {
  const ranges = parseAccept(accept);
  if (ranges.length === 0) return 'json';
  for (const { type } of ranges) {
    if (PROTOBUF_TYPES.includes(type)) return 'protobuf';
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'json';
  }
  return undefined;
}
