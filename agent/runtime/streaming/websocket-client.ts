/** A client of exec or attach that speaks WebSocket: its channels, from the handshake to the close. */

import type { TerminalSize } from '../spawner/protocol.ts';
import type { StdioSession } from '../spawner/stdio-session.ts';
import type { RemoteClient, Streams } from './carry.ts';
import {
  type ChannelProtocol,
  type ClientMessage,
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

/** Keys may be pressed before the terminal's size is told; what is piped is not waited with. */
const EARLY_BYTES_MAX = 64 * 1024;

export class WebSocketClient implements RemoteClient {
  readonly #link: WebSocketLink;
  readonly #protocol: ChannelProtocol;
  readonly #streams: Streams;
  readonly #sizes = new TerminalSizes();
  readonly #sized = Promise.withResolvers<void>();
  /** Input that came before there was a session. */
  readonly #early: ClientMessage[] = [];
  #earlyBytes = 0;
  #size: TerminalSize | undefined;
  #session: StdioSession | undefined;

  constructor(link: WebSocketLink, protocol: ChannelProtocol, streams: Streams) {
    this.#link = link;
    this.#protocol = protocol;
    this.#streams = streams;
    // Nothing is read from the client before there is somewhere to put it.
    link.socket.pause();
    link.socket.on('message', (data: Buffer, isBinary) =>
      this.#take(decodeMessage(data, isBinary, protocol)),
    );
    // Upstream does, and some clients wait for it.
    void this.#send(STDOUT, Buffer.alloc(0));
  }

  get closed(): Promise<void> {
    return this.#link.closed;
  }

  async write(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    await this.#send(stream === 'stdout' ? STDOUT : STDERR, chunk);
  }

  async firstSize(): Promise<TerminalSize | undefined> {
    this.#link.socket.resume();
    await Promise.race([this.#sized.promise, this.closed]);
    return this.#size;
  }

  receive(session: StdioSession): void {
    const { socket } = this.#link;
    const { stdin } = session;
    this.#session = session;
    stdin.on('drain', () => socket.resume());
    // The process may end while the client still writes.
    stdin.on('close', () => socket.resume());
    if (this.#size !== undefined) session.resize(this.#size);
    socket.resume();
    for (const message of this.#early.splice(0)) this.#input(message, session);
  }

  #take(message: ClientMessage): void {
    if (message.kind === 'data' && message.channel === RESIZE) {
      const size = this.#streams.tty ? this.#sizes.push(message.data) : undefined;
      if (size === undefined) return;
      this.#size = size;
      this.#sized.resolve();
      this.#session?.resize(size);
    } else if (this.#session !== undefined) this.#input(message, this.#session);
    else {
      this.#early.push(message);
      this.#earlyBytes += message.kind === 'data' ? message.data.length + 1 : 1;
      if (this.#earlyBytes < EARLY_BYTES_MAX) return;
      this.#link.socket.pause();
      this.#sized.resolve();
    }
  }

  #input(message: ClientMessage, { stdin }: StdioSession): void {
    if (!this.#streams.stdin || message.kind === 'ignored' || message.channel !== STDIN) return;
    if (stdin.destroyed || stdin.writableEnded) return;
    if (message.kind === 'close') stdin.end();
    else if (!stdin.write(message.data)) this.#link.socket.pause();
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
