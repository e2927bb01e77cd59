/** What an API server says about failure: `Status` bodies, and when to try again. */

import type { IncomingMessage } from 'node:http';
import type { Status } from '../proto/api/gen/meta-v1.ts';
import { ApiError, newApiError } from '../proto/api/status-error.ts';

/** Of an answer that is no Status. Source: apimachinery pkg/api/errors NewGenericServerResponse. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The text of a foreign error page is cut to this many characters. */
const FOREIGN_TEXT_MAX = 2048;

/** The error of an answer: its Status, or one made from its code and text. */
export function statusError(code: number, body: string, method: string, path: string): ApiError {
  const status = parseStatus(body);
  if (status !== undefined) return new ApiError({ ...status, code: status.code ?? code });
  const text = body.slice(0, FOREIGN_TEXT_MAX).trim();
  return newApiError(code, REASONS[code] ?? '', `${method} ${path}: ${code} ${text}`.trim());
}

/** A `Status` of JSON text; undefined when it is something else. */
export function parseStatus(text: string): Status | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isStatus =
    typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status';
  return isStatus ? (parsed as Status) : undefined;
}

/** How long the server asks to wait before a repetition; undefined: the answer is final. */
export function retryAfterMs(status: number, header: string | undefined): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const seconds = Number.parseInt(header ?? '', 10);
  return Number.isNaN(seconds) ? undefined : seconds * 1000;
}

/** The whole body. Rejects when the connection breaks before its end. */
export async function readText(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString();
}
