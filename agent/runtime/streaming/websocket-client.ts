/** A client of exec or attach that speaks WebSocket: its channels, from the handshake to the close. */

import type { StdioSession } from '../spawner/stdio-session.ts';
import type { RemoteClient, Streams } from './carry.ts';
import {
  type ChannelProtocol,
  decodeMessage,
  ERROR,
  encodeMessage,
  RESIZE,
  STDERR,
  STDIN,
  STDOUT,
} from './channels.ts';
import { type Outcome, outcomeMessage } from './outcome.ts';
import { TerminalSizes } from './terminal-sizes.ts';
import type { WebSocketLink } from './websocket-link.ts';

export class WebSocketClient implements RemoteClient {
  readonly #link: WebSocketLink;
  readonly #protocol: ChannelProtocol;
  readonly #streams: Streams;

  constructor(link: WebSocketLink, protocol: ChannelProtocol, streams: Streams) {
    this.#link = link;
    this.#protocol = protocol;
    this.#streams = streams;
    // Nothing is read from the client before there is somewhere to put it.
    link.socket.pause();
    // Upstream does, and some clients wait for it.
    void this.#send(STDOUT, Buffer.alloc(0));
  }

  get closed(): Promise<void> {
    return this.#link.closed;
  }

  async write(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    await this.#send(stream === 'stdout' ? STDOUT : STDERR, chunk);
  }

  receive(session: StdioSession): void {
    const { socket } = this.#link;
    const { stdin: isStdin, tty } = this.#streams;
    const { stdin } = session;
    const sizes = new TerminalSizes();
    stdin.on('drain', () => socket.resume());
    // The process may end while the client still writes.
    stdin.on('close', () => socket.resume());
    socket.on('message', (data: Buffer, isBinary) => {
      const message = decodeMessage(data, isBinary, this.#protocol);
      if (message.kind === 'close') {
        if (message.channel === STDIN && isStdin && !stdin.destroyed) stdin.end();
      } else if (message.kind === 'data' && message.channel === STDIN) {
        if (!isStdin || stdin.destroyed || stdin.writableEnded) return;
        if (!stdin.write(message.data)) socket.pause();
      } else if (message.kind === 'data' && message.channel === RESIZE && tty) {
        const size = sizes.push(message.data);
        if (size !== undefined) session.resize(size);
      }
    });
    socket.resume();
  }

  async finish(outcome: Outcome): Promise<void> {
    const text = outcomeMessage(outcome, this.#protocol.outcome);
    if (text !== '') void this.#send(ERROR, Buffer.from(text));
    await this.#link.close();
  }

  async #send(channel: number, data: Buffer): Promise<void> {
    await this.#link.send(encodeMessage(channel, data, this.#protocol));
  }
}
