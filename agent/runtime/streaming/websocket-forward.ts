/**
 * Port-forward over WebSocket channels: one connection to each port that was asked for, on channel 2i for
 * its data and 2i+1 for its error; the first message on each channel is the port, two bytes, little endian.
 * The protocol has no half close: the connection ends when all of its ports have.
 *
 * Source: kubernetes kubelet cri/streaming/portforward/websocket.go.
 */

import type { WebSocket } from 'ws';
import { type ChannelProtocol, decodeMessage, encodeMessage } from './channels.ts';
import {
  type ClientStream,
  type ForwardParts,
  type ForwardTarget,
  forwardConnection,
} from './forward-connection.ts';
import type { WebSocketLink } from './websocket-link.ts';

/** Each takes two of the 256 channels. */
export const FORWARD_PORTS_MAX = 100;
/** Unread, of one channel, before nothing more is read from the client. */
const CHANNEL_BUFFER_BYTES = 256 * 1024;

/** Resolves when the WebSocket is closed. */
export async function forwardOverWebSocket(
  link: WebSocketLink,
  protocol: ChannelProtocol,
  ports: readonly number[],
  target: ForwardTarget,
  parts: ForwardParts,
): Promise<void> {
  const { socket } = link;
  const flow = new Flow(socket);
  const channels = ports.flatMap((_, index) =>
    [2 * index, 2 * index + 1].map((number) => new Channel(link, number, protocol, flow)),
  );
  socket.on('message', (message: Buffer, isBinary) => {
    const decoded = decodeMessage(message, isBinary, protocol);
    if (decoded.kind === 'data') channels[decoded.channel]?.receive(decoded.data);
  });
  socket.on('close', () => {
    for (const channel of channels) channel.reset();
  });
  const forwarded = ports.map(async (port, index) => {
    const [data, error] = [channels[2 * index], channels[2 * index + 1]];
    if (data === undefined || error === undefined) return;
    const start = Buffer.alloc(2);
    start.writeUInt16LE(port);
    await Promise.all([data.write(start), error.write(start)]);
    await forwardConnection(data, error, port, target, parts);
  });
  await Promise.all(forwarded);
  await link.close();
}

/** Reads from the client only while no channel is full. */
class Flow {
  readonly #socket: WebSocket;
  readonly #full = new Set<Channel>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  update(channel: Channel, buffered: number): void {
    if (buffered >= CHANNEL_BUFFER_BYTES) this.#full.add(channel);
    else this.#full.delete(channel);
    if (this.#full.size > 0) this.#socket.pause();
    else this.#socket.resume();
  }
}

class Channel implements ClientStream {
  readonly #link: WebSocketLink;
  readonly #number: number;
  readonly #protocol: ChannelProtocol;
  readonly #flow: Flow;
  readonly #closed = Promise.withResolvers<void>();
  #chunks: Buffer[] = [];
  #buffered = 0;
  #isReset = false;
  #isEnded = false;
  #isDiscarded = false;
  #reader: PromiseWithResolvers<void> | undefined;

  constructor(link: WebSocketLink, number: number, protocol: ChannelProtocol, flow: Flow) {
    this.#link = link;
    this.#number = number;
    this.#protocol = protocol;
    this.#flow = flow;
  }

  get isReset(): boolean {
    return this.#isReset;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#count(this.#buffered - chunk.length);
        return chunk;
      }
      if (this.#isReset || this.#isDiscarded) return undefined;
      this.#reader = Promise.withResolvers();
      await this.#reader.promise;
    }
  }

  async write(data: Buffer): Promise<boolean> {
    if (this.#isEnded || this.#isReset) return false;
    await this.#link.send(encodeMessage(this.#number, data, this.#protocol));
    return !this.#isReset;
  }

  /** The client is told by the end of the connection; what it still sends is for nobody. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.discard();
  }

  discard(): void {
    this.#isDiscarded = true;
    this.#chunks = [];
    this.#count(0);
    this.#reader?.resolve();
  }

  receive(data: Buffer): void {
    if (this.#isDiscarded || this.#isReset) return;
    this.#chunks.push(data);
    this.#count(this.#buffered + data.length);
    this.#reader?.resolve();
  }

  reset(): void {
    this.#isReset = true;
    this.discard();
    this.#closed.resolve();
  }

  #count(buffered: number): void {
    this.#buffered = buffered;
    this.#flow.update(this, buffered);
  }
}
