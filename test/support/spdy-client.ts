/**
 * The opening side of SPDY/3.1, for tests: an HTTP upgrade, then streams. It compresses headers as real
 * clients do, takes no part in flow control unless told to, and can send any bytes it likes.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type RequestOptions, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { constants, createDeflate } from 'node:zlib';
import { createWebSocketStream, WebSocket } from 'ws';
import {
  dataHeader,
  encodeRstStream,
  encodeSynStream,
  type Frame,
  FrameDecoder,
} from '../../proto/spdy/frames.ts';
import { HEADER_DICTIONARY } from '../../proto/spdy/header-block.ts';
import { eventually } from './eventually.ts';

export interface TestStream {
  readonly id: number;
  received: Buffer;
  bytes: number;
  isReplied: boolean;
  isEnded: boolean;
  resetStatus: number | undefined;
  /** False: the bytes that come are counted rather than kept. */
  isKept: boolean;
}

export interface SpdyTarget extends RequestOptions {
  readonly path: string;
}

/** The answer when the upgrade was refused. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

export async function openSpdy(
  target: SpdyTarget,
  protocols: readonly string[],
): Promise<SpdyTestClient | Refusal> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': [...protocols],
    'Content-Length': '0',
  };
  const outgoing = request({ ...target, method: 'POST', headers });
  outgoing.end();
  const signal = AbortSignal.timeout(30_000);
  const [message, socket, head] = await Promise.race([
    once(outgoing, 'upgrade', { signal }),
    once(outgoing, 'response', { signal }),
  ]);
  if (socket === undefined) {
    message.setEncoding('utf8');
    let text = '';
    for await (const chunk of message) text += chunk;
    return { code: message.statusCode as number, text };
  }
  return new SpdyTestClient(socket, message.headers['x-stream-protocol-version'], head);
}

/** A WebSocket of the tunnel's subprotocol, as a stream of the bytes in its messages. */
export async function openTunnel(target: SpdyTarget): Promise<Duplex> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io',
  };
  const outgoing = request({ ...target, headers });
  outgoing.end();
  const signal = AbortSignal.timeout(30_000);
  const [message, socket, head] = await once(outgoing, 'upgrade', { signal });
  assert.equal(message.headers['sec-websocket-protocol'], 'SPDY/3.1+portforward.k8s.io');
  // The library takes no name with a slash in it, so the handshake is ours and only the rest its.
  const webSocket = new (WebSocket as unknown as ClientSocketClass)(null, undefined, {
    autoPong: true,
  });
  webSocket._isServer = false;
  webSocket.setSocket(socket, head, { allowSynchronousEvents: true, maxPayload: 2 ** 20 });
  return createWebSocketStream(webSocket);
}

/** What the types of `ws` do not tell: how it makes one of a connection that is upgraded already. */
type ClientSocketClass = new (
  address: null,
  protocols: undefined,
  options: object,
) => WebSocket & {
  _isServer: boolean;
  setSocket(socket: Duplex, head: Buffer, options: object): void;
};

export class SpdyTestClient {
  readonly protocol: string;
  readonly socket: Duplex;
  readonly streams = new Map<number, TestStream>();
  /** All frames but data, as they came. */
  readonly frames: Frame[] = [];
  isClosed = false;
  readonly #deflate = createDeflate({
    dictionary: HEADER_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
  });
  readonly #decoder = new FrameDecoder();
  #lastId = -1;
  #opening: Promise<unknown> = Promise.resolve();

  constructor(socket: Duplex, protocol: string, head: Buffer) {
    this.socket = socket;
    this.protocol = protocol;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.setMaxListeners(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#deflate.destroy();
    });
    this.#read(head);
  }

  /** One after the other, as the ids and the compression of the headers demand. */
  open(headers: Readonly<Record<string, string>>): Promise<TestStream> {
    const opened = this.#opening.then(() => this.#open(headers));
    this.#opening = opened;
    return opened;
  }

  async #open(headers: Readonly<Record<string, string>>): Promise<TestStream> {
    this.#lastId += 2;
    const stream: TestStream = {
      id: this.#lastId,
      received: Buffer.alloc(0),
      bytes: 0,
      isReplied: false,
      isEnded: false,
      resetStatus: undefined,
      isKept: true,
    };
    this.streams.set(stream.id, stream);
    this.socket.write(encodeSynStream(stream.id, await this.compress(headers)));
    return stream;
  }

  /** Resolves when the kernel has taken it. */
  async write(stream: TestStream, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += 32 * 1024) {
      const part = data.subarray(at, at + 32 * 1024);
      this.socket.write(dataHeader(stream.id, part.length, false));
      if (!this.socket.write(part)) await once(this.socket, 'drain');
    }
  }

  end(stream: TestStream): void {
    this.socket.write(dataHeader(stream.id, 0, true));
  }

  reset(stream: TestStream): void {
    this.socket.write(encodeRstStream(stream.id, 5));
  }

  /** Resolves when the server has ended or reset the stream. */
  async ended(stream: TestStream): Promise<void> {
    await eventually(`stream ${stream.id} has ended`, () => {
      assert.ok(stream.isEnded || stream.resetStatus !== undefined || this.isClosed);
    });
  }

  /** One block of this connection's header stream. */
  async compress(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const parts: Buffer[] = [];
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    const pairs = Object.entries(headers).flat();
    const plain = Buffer.concat([
      number(pairs.length / 2),
      ...pairs.flatMap((text) => [number(text.length), Buffer.from(text)]),
    ]);
    const take = (chunk: Buffer): void => void parts.push(chunk);
    this.#deflate.on('data', take);
    await new Promise<void>((resolve) => this.#deflate.write(plain, () => resolve()));
    this.#deflate.off('data', take);
    return Buffer.concat(parts);
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    for (const frame of this.#decoder.push(chunk)) {
      if (frame.kind !== 'data') this.frames.push(frame);
      const stream = 'streamId' in frame ? this.streams.get(frame.streamId) : undefined;
      if (stream === undefined) continue;
      if (frame.kind === 'syn-reply') stream.isReplied = true;
      if (frame.kind === 'rst-stream') stream.resetStatus = frame.status;
      if (frame.kind !== 'data') continue;
      stream.bytes += frame.payload.length;
      if (stream.isKept) stream.received = Buffer.concat([stream.received, frame.payload]);
      if (frame.isFin) stream.isEnded = true;
    }
  }
}
