/**
 * HTTP requests to one API server, with its TLS and credentials, over kept-alive connections.
 * Knows nothing of the API but its address: statuses and bodies are the caller's.
 */

import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { Connection } from './kubeconfig.ts';

export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For answers that stay open: the connection is probed, so that a silent peer ends it. */
  readonly isStream?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
}

/** Idle connections are kept this long; the server's `Keep-Alive` hint shortens it. */
const IDLE_MS = 60_000;
/** A silent connection is probed after this; it is dead ten unanswered seconds later. */
const PROBE_AFTER_MS = 10_000;
/** One process has no use for more requests at a time; the rest wait for a connection. */
const SOCKETS_MAX = 64;

/** What TLS and the headers need of a connection; also used for WebSockets. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export function tlsOptionsOf(connection: Connection): TlsOptions {
  const { ca, cert, key, tlsServerName, insecureSkipTlsVerify } = connection;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    rejectUnauthorized: insecureSkipTlsVerify !== true,
  };
}

export function credentialHeaders(connection: Connection): Record<string, string> {
  return connection.token === undefined ? {} : { authorization: `Bearer ${connection.token}` };
}

/** Sends requests; {@link HttpTransport.close} when done. */
export class HttpTransport {
  readonly #base: URL;
  /** Where requests go: worked out once. */
  readonly #target: http.RequestOptions;
  readonly #basePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: http.Agent;
  /** Watches and logs hold their connection: they must not use up those of other requests. */
  readonly #streamAgent: http.Agent;

  constructor(connection: Connection, userAgent: string) {
    this.#base = new URL(connection.server);
    this.#basePath = this.#base.pathname.replace(/\/$/, '');
    const { protocol, hostname, port } = urlToHttpOptions(this.#base);
    this.#target = { protocol: protocol ?? '', hostname: hostname ?? '', port: port ?? null };
    this.#headers = { 'user-agent': userAgent, ...credentialHeaders(connection) };
    const kept = { keepAlive: true, timeout: IDLE_MS, maxSockets: SOCKETS_MAX };
    if (this.#base.protocol === 'http:') {
      this.#agent = new http.Agent(kept);
      this.#streamAgent = new http.Agent({ keepAlive: false });
    } else {
      const tls = tlsOptionsOf(connection);
      this.#agent = new https.Agent({ ...kept, ...tls });
      this.#streamAgent = new https.Agent({ keepAlive: false, ...tls });
    }
  }

  /**
   * Resolves when the answer's headers are there. Rejects with the signal's reason when aborted;
   * the signal keeps being valid for the body. Other rejections are the connection's.
   */
  send(request: HttpRequest, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(reasonOf(signal));
      const isStream = request.isStream === true;
      const length = request.body === undefined ? {} : lengthOf(request.body);
      const options: http.RequestOptions = {
        ...this.#target,
        path: this.#basePath + request.path,
        method: request.method,
        agent: isStream ? this.#streamAgent : this.#agent,
        headers: { ...this.#headers, ...length, ...request.headers },
      };
      const made = this.#base.protocol === 'http:' ? http.request : https.request;
      const sent = made(options);
      // As Node's own `signal` option, at a fraction of its cost.
      if (signal !== undefined) {
        const abort = (): void => void sent.destroy(reasonOf(signal));
        signal.addEventListener('abort', abort);
        sent.once('close', () => signal.removeEventListener('abort', abort));
      }
      sent.on('error', (error) => {
        if (signal?.aborted === true) return reject(reasonOf(signal));
        const url = new URL(this.#basePath + request.path, this.#base);
        reject(new ConnectionError(request, url, sent.reusedSocket, error));
      });
      sent.on('response', (body) => {
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
      });
      // The agent's idle time-out must not end a stream that has nothing to say.
      if (isStream) sent.on('socket', (socket) => socket.setKeepAlive(true, PROBE_AFTER_MS));
      sent.end(request.body);
    });
  }

  /** Closes all connections; requests under way fail. */
  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }
}

/** The server could not be reached, or the connection broke before the answer. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Of the system, as `ECONNREFUSED`. */
  readonly code: string;
  /** The connection was an idle one: the server may have closed it before it saw the request. */
  readonly isReused: boolean;

  constructor(request: HttpRequest, url: URL, isReused: boolean, cause: NodeJS.ErrnoException) {
    super(`${request.method} ${url.href}: ${cause.message}`, { cause });
    this.code = cause.code ?? '';
    this.isReused = isReused;
  }
}

export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('Aborted', { cause: reason });
}

function lengthOf(body: string): Record<string, string> {
  return { 'content-length': String(Buffer.byteLength(body)) };
}
