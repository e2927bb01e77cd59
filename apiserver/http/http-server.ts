/**
 * The HTTPS listener: connections, their limits and their end. What a request means is the handler's.
 * One bad request or connection never stops the server.
 */

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { CertifiedKey } from '../auth/certificate.ts';

/** Bytes of a request's line and headers. Selectors of hundreds of labels fit. */
const MAX_HEADER_BYTES = 64 * 1024;
/**
 * Milliseconds. Longer than the 90 s after which Go clients drop an idle connection themselves, so
 * that no request is sent on a connection that is just being closed here.
 */
const KEEP_ALIVE_MS = 120_000;
/** Milliseconds without a byte after which the other side is asked whether it is still there. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** Milliseconds until a request's head, and its whole body, must have arrived. */
const HEADERS_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Milliseconds that requests under way get to finish when the server shuts down. */
const DRAIN_MS = 5_000;

export interface HttpHandler {
  /** Answers; never rejects. */
  request(message: IncomingMessage, response: ServerResponse, shutdown: AbortSignal): void;
  /** Owns the socket from here; never rejects. */
  upgrade(message: IncomingMessage, socket: Duplex, head: Buffer, shutdown: AbortSignal): void;
}

export interface HttpServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly serving: CertifiedKey;
  /** Client certificates are checked against this; connections without one are taken too. */
  readonly caPem: string;
  readonly handler: HttpHandler;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();
  readonly #shutdown = new AbortController();

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer({
      key: options.serving.keyPem,
      cert: options.serving.certificatePem,
      ca: options.caPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      noDelay: true,
      // A watcher whose machine is gone never closes its connection.
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    });
  }

  /** Begins to take connections and returns where; rejects when the address can't be had. */
  async listen(): Promise<AddressInfo> {
    const { handler, logger } = this.#options;
    const server = this.#server;
    server.on('request', (message, response) => {
      // A connection whose last request has been answered would else be kept for the next one.
      if (this.#shutdown.signal.aborted) response.setHeader('Connection', 'close');
      response.on('error', (error) => logger.debug('Lost response', { error }));
      response.on('close', () => {
        if (this.#shutdown.signal.aborted) message.socket.end();
      });
      handler.request(message, response, this.#shutdown.signal);
    });
    server.on('upgrade', (message, socket, head) => {
      this.#upgraded.add(socket);
      socket.on('close', () => this.#upgraded.delete(socket));
      socket.on('error', (error) => logger.debug('Lost upgraded connection', { error }));
      handler.upgrade(message, socket, head, this.#shutdown.signal);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else socket.end(malformedAnswer(error.code));
    });
    server.on('tlsClientError', (error) => logger.debug('Refused TLS connection', { error }));
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', (error) => logger.debug('Lost connection', { error }));
    });
    const listening = once(server, 'listening');
    server.listen(this.#options.port, this.#options.address);
    await listening;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('Listens on no port');
    return address;
  }

  /** Takes no more connections, ends watches, lets other requests finish; then all are closed. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#shutdown.abort();
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeIdleConnections();
    const cancel = this.#options.clock.schedule(DRAIN_MS, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }
}

/** What Node's parser refuses has no request to answer; the form is still a Status. */
function malformedAnswer(code: string | undefined): string {
  const isTooLarge = code === 'HPE_HEADER_OVERFLOW';
  const [http, text] = isTooLarge
    ? ['431 Request Header Fields Too Large', 'the request line and headers are too long']
    : ['400 Bad Request', 'the request is no HTTP/1.1'];
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text,
    reason: isTooLarge ? 'RequestEntityTooLarge' : 'BadRequest',
    code: isTooLarge ? 431 : 400,
  });
  return `HTTP/1.1 ${http}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
