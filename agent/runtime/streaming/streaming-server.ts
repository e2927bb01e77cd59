/**
 * The HTTP server behind the URLs of Exec, Attach and PortForward: on the loopback of the node, each URL
 * good for one connection. It speaks SPDY/3.1, WebSocket, and SPDY inside WebSocket.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { ProcessSpec } from '../container/spec.ts';
import { loopbackDialer } from '../network/dial-loopback.ts';
import type { SpawnerLink } from '../sandbox/spawner-link.ts';
import type { TerminalSize } from '../spawner/protocol.ts';
import { carry, type RemoteClient, type Streams } from './carry.ts';
import type { ChannelProtocol } from './channels.ts';
import type { ForwardTarget } from './forward-connection.ts';
import { acceptSpdy, chooseUpgrade, refuseUpgrade } from './handshake.ts';
import { Offers } from './offers.ts';
import { SPDY_COMMAND_PROTOCOLS, SpdyClient } from './spdy-client.ts';
import { forwardOverSpdy } from './spdy-forward.ts';
import { FIRST_SIZE_TIMEOUT_MS } from './timeouts.ts';
import { WebSocketClient } from './websocket-client.ts';
import { forwardOverWebSocket } from './websocket-forward.ts';
import { WebSocketLink } from './websocket-link.ts';

/** Of one message from a client, in bytes: kubectl sends 32 KiB of input at a time. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

type CommandRequest =
  | {
      readonly kind: 'exec';
      readonly container: string;
      readonly process: ProcessSpec;
      readonly streams: Streams;
    }
  | { readonly kind: 'attach'; readonly container: string; readonly streams: Streams };

export type StreamRequest =
  | CommandRequest
  | {
      readonly kind: 'portforward';
      readonly target: ForwardTarget;
      /** Of clients that speak WebSocket channels; others name a port for each connection. */
      readonly ports: readonly number[];
    };

export class StreamingServer {
  readonly #offers: Offers<StreamRequest>;
  readonly #spawner: SpawnerLink;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #http: Server;
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  readonly #upgraded = new Set<Duplex>();
  /** What the handshake of a WebSocket is to be answered with. */
  readonly #protocols = new WeakMap<IncomingMessage, string>();
  #origin = '';

  constructor(spawner: SpawnerLink, clock: Clock, logger: Logger) {
    this.#offers = new Offers(clock);
    this.#spawner = spawner;
    this.#clock = clock;
    this.#logger = logger;
    this.#http = createServer((_request, response) => {
      response.writeHead(400, { 'Content-Type': 'text/plain' });
      response.end('this URL is for upgraded connections\n');
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#webSockets.on('headers', (headers, request) => {
      const protocol = this.#protocols.get(request) ?? '';
      if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
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
    for (const socket of this.#upgraded) socket.destroy();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.on('close', () => this.#upgraded.delete(socket));
    socket.on('error', () => undefined); // The connection is gone; nobody is left to tell.
    const [, kind, token = ''] = request.url?.split('/') ?? [];
    const upgrade = chooseUpgrade(request, kind);
    if (upgrade.kind === 'refused') {
      refuseUpgrade(socket, upgrade.status, upgrade.text);
      return;
    }
    const stream = this.#offers.take(token);
    if (stream === undefined || stream.kind !== kind) {
      refuseUpgrade(socket, '404 Not Found', 'the URL was used before, or is too old');
      return;
    }
    if (upgrade.kind === 'spdy') {
      if (head.length > 0) socket.unshift(head);
      acceptSpdy(socket, upgrade.protocol);
      void this.#serve(socket, () => this.#serveSpdy(socket, upgrade.protocol, stream));
      return;
    }
    const { protocol } = upgrade;
    this.#protocols.set(request, typeof protocol === 'string' ? protocol : protocol.name);
    // The library takes no name with a slash in it; it is answered in `headers`.
    delete request.headers['sec-websocket-protocol'];
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      void this.#serve(socket, () =>
        typeof protocol === 'string'
          ? this.#serveSpdy(createWebSocketStream(webSocket), protocol, stream)
          : this.#serveWebSocket(webSocket, protocol, stream),
      );
    });
  }

  async #serve(socket: Duplex, serve: () => Promise<void>): Promise<void> {
    try {
      await serve();
    } catch (error) {
      this.#logger.error('Broke off a stream', { error });
    }
    // What is served has said all it had to say.
    socket.destroy();
  }

  async #serveSpdy(transport: Duplex, protocol: string, stream: StreamRequest): Promise<void> {
    const clock = this.#clock;
    if (stream.kind === 'portforward') {
      return forwardOverSpdy(transport, stream.target, { clock, dial: loopbackDialer(clock) });
    }
    const known = SPDY_COMMAND_PROTOCOLS.find((name) => name === protocol) ?? 'channel.k8s.io';
    const client = new SpdyClient(transport, clock, { protocol: known, streams: stream.streams });
    if (await client.opened()) await this.#carry(client, stream);
  }

  async #serveWebSocket(
    socket: WebSocket,
    protocol: ChannelProtocol,
    stream: StreamRequest,
  ): Promise<void> {
    const clock = this.#clock;
    const link = new WebSocketLink(socket, clock);
    if (stream.kind === 'portforward') {
      const parts = { clock, dial: loopbackDialer(clock) };
      return forwardOverWebSocket(link, protocol, stream.ports, stream.target, parts);
    }
    await this.#carry(new WebSocketClient(link, protocol, stream.streams), stream);
  }

  #carry(client: RemoteClient, stream: CommandRequest): Promise<void> {
    const isAttach = stream.kind === 'attach';
    const open = async () => this.#open(stream, await this.#firstSize(client, stream));
    return carry({ client, streams: stream.streams, isAttach, open });
  }

  /** A program that asks at once is told the size that the client's terminal has. */
  async #firstSize(
    client: RemoteClient,
    stream: CommandRequest,
  ): Promise<TerminalSize | undefined> {
    if (stream.kind === 'attach' || !stream.streams.tty) return undefined;
    const timer = new AbortController();
    const late = this.#clock.after(FIRST_SIZE_TIMEOUT_MS, timer.signal).then(() => undefined);
    const size = await Promise.race([client.firstSize(), late]);
    timer.abort();
    return size;
  }

  #open(stream: CommandRequest, terminalSize: TerminalSize | undefined) {
    const { client } = this.#spawner;
    const containerId = stream.container;
    const { tty, stdin } = stream.streams;
    if (stream.kind === 'attach') return client.attach({ containerId, isStdinWanted: stdin });
    const request = { containerId, process: stream.process, isTty: tty, isStdinOpen: stdin };
    return client.exec({ ...request, ...(terminalSize && { terminalSize }) });
  }
}
