/**
 * WebSockets to the API server, for exec and attach. Loaded only by those who need it: `ws` costs
 * start-up time.
 */

import { WebSocket } from 'ws';
import { credentialHeaders, reasonOf, tlsOptionsOf } from './http-transport.ts';
import type { Connection } from './kubeconfig.ts';
import { readText, statusError } from './status-body.ts';

/** The handshake must be done within this. */
const HANDSHAKE_TIMEOUT_MS = 30_000;

/**
 * Resolves when it is open, and paused, so that no message comes before the caller listens: attach
 * the handlers, then call `resume()`. Throws `ApiError` when the server answers a Status instead.
 */
export function openWebSocket(
  connection: Connection,
  path: string,
  protocols: readonly string[],
  signal?: AbortSignal,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(reasonOf(signal));
    const socket = new WebSocket(connection.server.replace(/^http/, 'ws') + path, [...protocols], {
      ...tlsOptionsOf(connection),
      headers: credentialHeaders(connection),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
    });
    const abort = (): void => {
      if (signal !== undefined) reject(reasonOf(signal));
      socket.terminate();
    };
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal?.removeEventListener('abort', abort));
    socket.on('unexpected-response', (_request, answer) => {
      const code = answer.statusCode ?? 500;
      readText(answer)
        .then((text) => reject(statusError(code, text, 'GET', path)))
        .catch(reject)
        .finally(() => socket.terminate());
    });
    socket.once('error', (cause) => {
      reject(new Error(`GET ${connection.server}${path}: ${cause.message}`, { cause }));
    });
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
  });
}
