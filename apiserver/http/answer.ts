/**
 * What a request is answered with, as a value: endpoints and subresources return one, and
 * http/respond.ts alone writes it to the connection. Failures are thrown as `ApiError` instead.
 */

import type { ServerResponse } from 'node:http';

export type Headers = Readonly<Record<string, string>>;

/** A JSON tree, encoded in the answer. `prepared` is the encoding, when it is known already. */
export interface ObjectAnswer {
  readonly kind: 'object';
  readonly code: number;
  readonly object: object;
  readonly prepared?: string | Uint8Array;
}

/** A body that is not an API object: text, documents, discovery. */
export interface BytesAnswer {
  readonly kind: 'bytes';
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Headers;
}

/** A body that is written over time: watches, logs. Headers are sent before `write` is called. */
export interface StreamAnswer {
  readonly kind: 'stream';
  readonly code: number;
  readonly contentType: string;
  readonly headers?: Headers;
  /**
   * Writes the body; the response is ended when this returns, and cut off when it throws. The
   * signal is aborted when the client goes away or the server shuts down.
   */
  write(response: ServerResponse, signal: AbortSignal): Promise<void>;
}

export type Answer = ObjectAnswer | BytesAnswer | StreamAnswer;

/** An API object or a `Status` with this HTTP code. */
export function objectAnswer(code: number, object: object): ObjectAnswer {
  return { kind: 'object', code, object };
}

export function textAnswer(code: number, body: string): BytesAnswer {
  return { kind: 'bytes', code, contentType: 'text/plain; charset=utf-8', body };
}
