/** Reads a request's body into memory, up to a limit. */

import type { IncomingMessage } from 'node:http';
import { badRequest, newApiError } from '../../proto/api/status-error.ts';

/**
 * Bytes. The same as upstream's, which is twice the 1.5 MiB that etcd takes in one request: a JSON
 * body may be a good deal longer than what is stored of it.
 */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/**
 * Bytes. A body over the limit is still taken in, and dropped, up to this: most clients write all of
 * it before they read, and would see a broken connection in place of the answer.
 */
const MAX_DRAINED_BYTES = 32 * 1024 * 1024;

const EMPTY = new Uint8Array();

/** Rejects with RequestEntityTooLarge; at once when the body is far too large, without reading it. */
export function readBody(message: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Uint8Array> {
  const declared = Number(message.headers['content-length'] ?? 0);
  if (declared > MAX_DRAINED_BYTES) return Promise.reject(tooLarge(limit));
  if (declared === 0 && message.headers['transfer-encoding'] === undefined) {
    return Promise.resolve(EMPTY);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (length > MAX_DRAINED_BYTES) {
        message.pause();
        reject(tooLarge(limit));
      }
    });
    message.on('end', () => {
      if (length > limit) {
        reject(tooLarge(limit));
        return;
      }
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    message.on('error', (cause) => reject(badRequest('the body could not be read', { cause })));
    message.on('close', () => {
      if (!message.complete) reject(badRequest('the client went away within the body'));
    });
  });
}

function tooLarge(limit: number): Error {
  return newApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
}
