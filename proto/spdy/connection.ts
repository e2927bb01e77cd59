/**
 * The accepting side of a SPDY/3.1 connection: streams that the peer opens, over any duplex byte stream.
 * Whatever the peer sends, what is kept of it is bounded: streams, headers, unread bytes; the answers it
 * causes are written before more is read. A peer that breaks the rules is told so with a GOAWAY and cut off.
 *
 * Windows: room is granted to the peer as streams are read. Its own windows count from the moment it moves
 * one (SETTINGS or WINDOW_UPDATE): Go's clients never do, and TCP holds them and us back instead. A peer
 * that sends more than it was granted is not read until there is room again.
 *
 * Source: draft-mbelshe-httpbis-spdy-00; SPDY/3.1 §2.6.8; moby/spdystream connection.go for what clients do.
 */

import type { Duplex } from 'node:stream';
import {
  dataHeader,
  encodeGoaway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeWindowUpdate,
  type Frame,
  FrameDecoder,
  GOAWAY_OK,
  RST_FLOW_CONTROL_ERROR,
  RST_INVALID_STREAM,
  RST_REFUSED_STREAM,
  SpdyError,
} from './frames.ts';
import { HeaderDecoder, HeaderEncoder } from './header-block.ts';
import { SendWindows } from './send-windows.ts';
import { SpdyStream, type StreamCarrier } from './stream.ts';

/** Open at the same time: two for each connection of a port-forward. */
export const STREAMS_MAX = 1_000;
/** Unread, of one stream, before nothing more is read from the connection. */
export const STREAM_BUFFER_BYTES = 256 * 1024;
/** Unread, of all streams of a connection. */
export const CONNECTION_BUFFER_BYTES = 4 * 1024 * 1024;
/** SPDY's window; room is granted again when half of it was read. */
const WINDOW_BYTES = 64 * 1024;
/** Of one data frame: other streams get their turn in between. */
const DATA_BYTES_MAX = 64 * 1024;
/** Small payloads are sent in one piece with their header. */
const COPY_BYTES_MAX = 4 * 1024;
/** How soon a peer that has vanished is noticed while it is not read. */
const PING_INTERVAL_MS = 5_000;
/** Time for the last frames to a peer that does not read. */
const GOAWAY_TIMEOUT_MS = 1_000;

/** What it needs of a clock; as in base/clock.ts. */
interface Clock {
  monotonicMs(): number;
  after(ms: number, signal?: AbortSignal): Promise<void>;
  schedule(ms: number, callback: () => void): () => void;
}

export interface SpdyOptions {
  readonly transport: Duplex;
  readonly clock: Clock;
  /** Without data in either direction for this long the connection is closed. */
  readonly idleTimeoutMs: number;
  /** Takes the stream, or refuses it. What it writes comes after the reply when it waits for a turn. */
  readonly onStream: (stream: SpdyStream) => boolean;
}

export class SpdyConnection implements StreamCarrier {
  readonly #options: SpdyOptions;
  readonly #transport: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #headerDecoder = new HeaderDecoder();
  readonly #headerEncoder = new HeaderEncoder();
  readonly #windows = new SendWindows();
  readonly #gone = Promise.withResolvers<void>();
  #isGone = false;
  #lastStreamId = 0;
  #buffered = 0;
  /** Resolved when something was read or a stream has ended. */
  #room: PromiseWithResolvers<void> | undefined;
  #activeAtMs: number;
  #isClosing = false;

  constructor(options: SpdyOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#activeAtMs = options.clock.monotonicMs();
    this.#transport.on('error', () => undefined); // Followed by `close`.
    this.#transport.once('close', () => this.#end());
    if (this.#transport.destroyed) this.#end();
  }

  /** Resolves when the connection is gone. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Reads until the peer leaves or is cut off; then all streams are over. Does not throw. */
  async run(): Promise<void> {
    const decoder = new FrameDecoder();
    const cancelPings = this.#schedulePing();
    try {
      for await (const chunk of this.#transport.iterator({ destroyOnReturn: false })) {
        for (const frame of decoder.push(chunk as Buffer)) await this.#take(frame);
        if (this.#isGone) break;
      }
    } catch (error) {
      if (error instanceof SpdyError) await this.#leave(error.status);
      else if (!this.#transport.destroyed) throw error;
    } finally {
      cancelPings();
      this.#transport.destroy();
      this.#end();
    }
  }

  /** Says goodbye; the peer is to close. Cut off after the time when it does not. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.#transport.end(encodeGoaway(this.#lastStreamId, GOAWAY_OK));
    const timer = new AbortController();
    await Promise.race([this.gone, this.#options.clock.after(timeoutMs, timer.signal)]);
    timer.abort();
    this.#transport.destroy();
    await this.gone;
  }

  async sendData(stream: SpdyStream, payload: Buffer, isFin: boolean): Promise<void> {
    if (this.#isGone || this.#isClosing) return;
    this.#activeAtMs = this.#options.clock.monotonicMs();
    this.#windows.sent(stream, payload.length);
    const header = dataHeader(stream.id, payload.length, isFin);
    const { promise, resolve } = Promise.withResolvers<void>();
    if (payload.length <= COPY_BYTES_MAX) {
      this.#transport.write(Buffer.concat([header, payload]), () => resolve());
    } else {
      this.#transport.cork();
      this.#transport.write(header);
      this.#transport.write(payload, () => resolve());
      this.#transport.uncork();
    }
    await promise;
  }

  sendReset(stream: SpdyStream, status: number): void {
    if (!this.#isGone && !this.#isClosing)
      this.#transport.write(encodeRstStream(stream.id, status));
  }

  consumed(stream: SpdyStream, bytes: number): void {
    this.#buffered -= bytes;
    this.#wake();
    stream.window.unacknowledged += bytes;
    if (stream.window.unacknowledged < WINDOW_BYTES / 2 || stream.isOver || this.#isGone) return;
    if (this.#isClosing) return;
    const { unacknowledged } = stream.window;
    stream.window.unacknowledged = 0;
    this.#transport.write(encodeWindowUpdate(stream.id, unacknowledged));
    // Go's clients take an update of stream 0 for a broken connection.
    if (this.#windows.isSessionUsed) {
      this.#transport.write(encodeWindowUpdate(0, unacknowledged));
    }
  }

  async sendable(stream: SpdyStream): Promise<number> {
    const room = await this.#windows.room(stream);
    return Math.min(room, DATA_BYTES_MAX);
  }

  closed(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    this.#windows.forget(stream);
    this.#wake();
  }

  async #take(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case 'data':
        return this.#takeData(frame);
      case 'syn-stream':
        return this.#open(frame);
      case 'syn-reply':
      case 'headers':
        // Nothing in them is of use, but the next block builds on them.
        await this.#headerDecoder.decode(frame.block);
        if (frame.isFin) this.#streams.get(frame.streamId)?.receive(Buffer.alloc(0), true);
        return;
      case 'rst-stream':
        this.#streams.get(frame.streamId)?.resetByPeer();
        return;
      case 'ping':
        // Even ones are the answers to ours.
        if (frame.id % 2 === 1) await this.#answer(encodePing(frame.id));
        return;
      case 'settings':
        this.#windows.settings(frame.entries);
        return;
      case 'window-update':
        return this.#takeWindowUpdate(frame.streamId, frame.delta);
      case 'goaway':
      case 'unknown':
        return;
    }
  }

  async #takeData({ streamId, payload, isFin }: Extract<Frame, { kind: 'data' }>): Promise<void> {
    this.#activeAtMs = this.#options.clock.monotonicMs();
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      // One that has just ended here may still have been on its way; another one never was.
      if (streamId > this.#lastStreamId)
        await this.#answer(encodeRstStream(streamId, RST_INVALID_STREAM));
      return;
    }
    // Counted first: a stream that is over gives it back at once.
    this.#buffered += payload.length;
    if (!stream.receive(payload, isFin)) this.#buffered -= payload.length;
    const isFull = (): boolean =>
      stream.buffered >= STREAM_BUFFER_BYTES || this.#buffered >= CONNECTION_BUFFER_BYTES;
    while (isFull() && !this.#isGone) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
  }

  async #open(frame: Extract<Frame, { kind: 'syn-stream' }>): Promise<void> {
    const { streamId, isUnidirectional, isFin, block } = frame;
    const headers = await this.#headerDecoder.decode(block);
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) {
      throw new SpdyError(
        `stream ${streamId} can not be opened: the last was ${this.#lastStreamId}`,
      );
    }
    this.#lastStreamId = streamId;
    if (this.#streams.size >= STREAMS_MAX || this.#isClosing) {
      return this.#answer(encodeRstStream(streamId, RST_REFUSED_STREAM));
    }
    const stream = new SpdyStream(streamId, headers, this, isUnidirectional);
    this.#streams.set(streamId, stream);
    if (isFin) stream.receive(Buffer.alloc(0), true);
    if (!this.#options.onStream(stream)) stream.reset(RST_REFUSED_STREAM);
    else if (!stream.isOver) {
      await this.#answer(encodeSynReply(streamId, this.#headerEncoder.encode(new Map())));
    }
  }

  #takeWindowUpdate(streamId: number, delta: number): void {
    if (streamId === 0) this.#windows.grantSession(delta);
    else {
      const stream = this.#streams.get(streamId);
      if (stream === undefined) return;
      if (!this.#windows.grant(stream, delta)) stream.reset(RST_FLOW_CONTROL_ERROR);
    }
  }

  /** Nothing more is read before the peer takes the answers to what it has sent. */
  async #answer(bytes: Buffer): Promise<void> {
    if (this.#isGone || this.#isClosing || this.#transport.write(bytes)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#transport.once('drain', resolve);
    await Promise.race([promise, this.gone]);
    this.#transport.off('drain', resolve);
  }

  #schedulePing(): () => void {
    const { clock, idleTimeoutMs } = this.#options;
    let id = 0;
    let cancel: () => void;
    const ping = (): void => {
      if (clock.monotonicMs() - this.#activeAtMs >= idleTimeoutMs) this.#transport.destroy();
      id = (id + 2) % 0x7fff_fffe;
      // One that waits to be sent says as much as two.
      if (this.#transport.writableLength === 0 && !this.#isClosing) {
        this.#transport.write(encodePing(id));
      }
      cancel = clock.schedule(PING_INTERVAL_MS, ping);
    };
    cancel = clock.schedule(PING_INTERVAL_MS, ping);
    return () => cancel();
  }

  async #leave(status: number): Promise<void> {
    this.#isClosing = true;
    const timer = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#transport.end(encodeGoaway(this.#lastStreamId, status), () => resolve());
    const timeout = this.#options.clock.after(GOAWAY_TIMEOUT_MS, timer.signal);
    await Promise.race([promise, this.gone, timeout]);
    timer.abort();
  }

  #end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const stream of [...this.#streams.values()]) stream.resetByPeer();
    this.#headerDecoder.close();
    this.#gone.resolve();
    this.#wake();
  }

  #wake(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
