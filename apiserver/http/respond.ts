/**
 * Writes answers to connections: the one place where values become HTTP. Failures of any sort become
 * a Status.
 *
 * Source: kubernetes/apiserver pkg/endpoints/handlers/responsewriters, pkg/warning, v0.36.
 */

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Status } from '../../proto/api/gen/meta-v1.ts';
import { ApiError, internalError } from '../../proto/api/status-error.ts';
import type { Answer, ObjectAnswer } from './answer.ts';
import type { LiveRequest } from './live-request.ts';
import { negotiate } from './negotiate.ts';

/** Bytes. Below this, compressing costs more than it saves on any network; upstream's number. */
const GZIP_FROM_BYTES = 128 * 1024;
/** Characters of all warnings together, and of one when that is passed. Upstream's numbers. */
const WARNINGS_MAX = 4096;
const WARNING_MAX_WHEN_MANY = 256;

const gzipAsync = promisify(gzip);

/** Writes the whole answer; returns when it has been handed to the connection. */
export async function respond(
  request: LiveRequest,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  switch (answer.kind) {
    case 'object':
      return respondObject(request, response, answer);
    case 'bytes':
      return respondBytes(request, response, answer.code, answer.body, {
        'Content-Type': answer.contentType,
        ...answer.headers,
      });
    case 'stream': {
      writeHead(request, response, answer.code, {
        'Content-Type': answer.contentType,
        ...answer.headers,
      });
      // Clients wait for the head of a watch before anything else.
      response.flushHeaders();
      if (request.method !== 'HEAD') await answer.write(response, request.signal);
      response.end();
      return;
    }
  }
}

/** Answers with the error's Status; anything that is no `ApiError` is an internal error. */
export async function respondError(
  request: LiveRequest,
  response: ServerResponse,
  error: unknown,
): Promise<void> {
  const { status } = error instanceof ApiError ? error : internalError(error);
  const { code = 500 } = status;
  const headers: OutgoingHttpHeaders = { 'Content-Type': 'application/json' };
  const retryAfter = status.details?.retryAfterSeconds ?? 0;
  if (retryAfter > 0) headers['Retry-After'] = String(retryAfter);
  // What is left of a body that was refused unread would be taken for the next request.
  if (code === 413) headers.Connection = 'close';
  await respondBytes(
    request,
    response,
    code,
    `${JSON.stringify(status satisfies Status)}\n`,
    headers,
  );
}

async function respondObject(
  request: LiveRequest,
  response: ServerResponse,
  answer: ObjectAnswer,
): Promise<void> {
  const { accept } = request.headers;
  const encoding =
    accept?.includes('yaml') === true
      ? negotiate(accept, ['object', 'table', 'metadata', 'metadata-list']).encoding
      : 'json';
  if (encoding === 'yaml') {
    const { stringify } = await import('yaml');
    const text = stringify(JSON.parse(JSON.stringify(answer.object)));
    return respondBytes(request, response, answer.code, text, {
      'Content-Type': 'application/yaml',
    });
  }
  const isPretty = request.query.get('pretty') === 'true' || request.query.get('pretty') === '1';
  const body = isPretty
    ? `${JSON.stringify(answer.object, undefined, 2)}\n`
    : (answer.prepared ?? JSON.stringify(answer.object));
  return respondBytes(request, response, answer.code, body, { 'Content-Type': 'application/json' });
}

async function respondBytes(
  request: LiveRequest,
  response: ServerResponse,
  code: number,
  body: string | Uint8Array,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const acceptEncoding = request.headers['accept-encoding'];
  if (length > GZIP_FROM_BYTES && /\bgzip\b/.test(String(acceptEncoding ?? ''))) {
    // Level 1: a list of pods shrinks twentyfold at any level, and this one takes the least time.
    const packed = await gzipAsync(body, { level: 1 });
    writeHead(request, response, code, {
      ...headers,
      'Content-Encoding': 'gzip',
      Vary: headers.Vary === undefined ? 'Accept-Encoding' : `${headers.Vary}, Accept-Encoding`,
      'Content-Length': packed.length,
    });
    response.end(packed);
    return;
  }
  // Answers without a body have no length either. Source: RFC 9110 §8.6.
  const isBodiless = code === 304 || code === 204;
  writeHead(
    request,
    response,
    code,
    isBodiless ? headers : { ...headers, 'Content-Length': length },
  );
  response.end(isBodiless ? undefined : body);
}

function writeHead(
  request: LiveRequest,
  response: ServerResponse,
  code: number,
  headers: OutgoingHttpHeaders,
): void {
  const all: OutgoingHttpHeaders = {
    'Audit-Id': request.auditId,
    'Cache-Control': 'no-cache, private',
    ...headers,
  };
  if (request.warnings.length > 0) all.Warning = warningHeaders(request.warnings);
  response.writeHead(code, all);
}

/** One header a warning: `299 - "text"`. Source: RFC 7234 §5.5. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const total = warnings.reduce((sum, text) => sum + text.length, 0);
  const texts =
    total <= WARNINGS_MAX
      ? warnings
      : warnings
          .slice(0, WARNINGS_MAX / WARNING_MAX_WHEN_MANY)
          .map((text) => text.slice(0, WARNING_MAX_WHEN_MANY));
  return texts.map((text) => `299 - "${headerText(text)}"`);
}

/** Quotes and backslashes are escaped; what a header can't hold becomes a space or a question mark. */
function headerText(text: string): string {
  return text
    .replaceAll(/[\t\r\n]+/g, ' ')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/["\\]/g, '\\$&');
}
