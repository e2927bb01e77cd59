/**
 * The HTTP server behind the URLs of Exec and Attach: on the loopback of the node, each URL good for one
 * connection. It speaks WebSocket; SPDY/3.1, which older clients ask for, is refused in words.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { ProcessSpec } from '../container/spec.ts';
import type { SpawnerLink } from '../sandbox/spawner-link.ts';
import { carry, type Streams } from './carry.ts';
import { chooseSubprotocol, SUBPROTOCOLS } from './channels.ts';
import { Offers } from './offers.ts';

/** Of one message from a client, in bytes: kubectl sends 32 KiB of input at a time. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

export type StreamRequest =
  | {
      readonly kind: 'exec';
      readonly container: string;
      readonly process: ProcessSpec;
      readonly streams: Streams;
    }
  | { readonly kind: 'attach'; readonly container: string; readonly streams: Streams };

export class StreamingServer {
  readonly #offers: Offers<StreamRequest>;
  readonly #spawner: SpawnerLink;
  readonly #logger: Logger;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  #origin = '';

  constructor(spawner: SpawnerLink, clock: Clock, logger: Logger) {
    this.#offers = new Offers(clock);
    this.#spawner = spawner;
    this.#logger = logger;
    this.#http = createServer((_request, response) => {
      response.writeHead(400, { 'Content-Type': 'text/plain' });
      response.end('this URL is for WebSocket connections\n');
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: MESSAGE_BYTES_MAX,
      handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
    });
  }

  /** Resolves when it listens, on a free port of the loopback. */
  async listen(): Promise<void> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    // A TCP server has an address of this form.
    const { port } = this.#http.address() as AddressInfo;
    this.#origin = `http://127.0.0.1:${port}`;
  }

  /** Returns the URL. Throws a CriError when too many wait. */
  offer(request: StreamRequest): string {
    return `${this.#origin}/${request.kind}/${this.#offers.put(request)}`;
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    this.#offers.clear();
    for (const socket of this.#webSockets.clients) socket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined); // The connection is gone; nobody is left to tell.
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      const text = `"${request.headers.upgrade}" is not implemented: use a client that speaks WebSocket`;
      refuse(socket, '400 Bad Request', text);
      return;
    }
    const offered = new Set(
      (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim()),
    );
    const protocol = chooseSubprotocol(offered);
    if (protocol === undefined) {
      refuse(socket, '403 Forbidden', `offer one of the subprotocols ${SUBPROTOCOLS.join(', ')}`);
      return;
    }
    const [, kind, token = ''] = request.url?.split('/') ?? [];
    const stream = this.#offers.take(token);
    if (stream === undefined || stream.kind !== kind) {
      refuse(socket, '404 Not Found', 'the URL was used before, or is too old');
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      void this.#carry(webSocket, protocol, stream);
    });
  }

  async #carry(
    socket: WebSocket,
    protocol: (typeof SUBPROTOCOLS)[number],
    stream: StreamRequest,
  ): Promise<void> {
    try {
      await carry({
        socket,
        protocol,
        streams: stream.streams,
        isAttach: stream.kind === 'attach',
        open: () => this.#open(stream),
      });
    } catch (error) {
      this.#logger.error('Broke off a stream', { container: stream.container, error });
      socket.terminate();
    }
  }

  #open(stream: StreamRequest) {
    const { client } = this.#spawner;
    const containerId = stream.container;
    const { tty, stdin } = stream.streams;
    if (stream.kind === 'attach') return client.attach({ containerId, isStdinWanted: stdin });
    return client.exec({ containerId, process: stream.process, isTty: tty, isStdinOpen: stdin });
  }
}

function refuse(socket: Duplex, status: string, text: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(text) + 1}\r\n\r\n${text}\n`,
  );
}
