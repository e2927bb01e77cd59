/**
 * One stream of a SPDY connection as the accepting side sees it: bytes both ways with an end of their
 * own each, bounded by windows and by who reads. The connection (connection.ts) feeds it.
 *
 * Source: draft-mbelshe-httpbis-spdy-00 §2.3, §2.6.8.
 */

import type { Headers } from './header-block.ts';

/** What a stream needs of its connection. */
export interface StreamCarrier {
  /** Resolves when the kernel has taken it, or the connection is gone. */
  sendData(stream: SpdyStream, payload: Buffer, isFin: boolean): Promise<void>;
  sendReset(stream: SpdyStream, status: number): void;
  /** The reader has taken this much. */
  consumed(stream: SpdyStream, bytes: number): void;
  /** How much may be sent on the stream; waits for more than nothing. 0 when the stream is over. */
  sendable(stream: SpdyStream): Promise<number>;
  /** It is over in both directions. */
  closed(stream: SpdyStream): void;
}

export class SpdyStream {
  readonly id: number;
  readonly headers: Headers;
  readonly #carrier: StreamCarrier;
  readonly #closed = Promise.withResolvers<void>();
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  #isRemoteEnded = false;
  #isLocalEnded: boolean;
  #isReset = false;
  #isDiscarded = false;
  #reader: PromiseWithResolvers<void> | undefined;
  /** Of the windows, for the connection. */
  readonly window = { sent: 0, granted: 0, unacknowledged: 0 };

  constructor(id: number, headers: Headers, carrier: StreamCarrier, isUnidirectional: boolean) {
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
    this.#isLocalEnded = isUnidirectional;
  }

  /** Bytes that have come and were not read. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Both directions have ended, or it was reset by either side, or the connection is gone. */
  get isOver(): boolean {
    return this.#isReset || (this.#isRemoteEnded && this.#isLocalEnded);
  }

  /** It was broken off rather than ended. */
  get isReset(): boolean {
    return this.#isReset;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The next bytes; undefined at the end, or when it was reset. One reader at a time. */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#buffered -= chunk.length;
        this.#carrier.consumed(this, chunk.length);
        return chunk;
      }
      if (this.#isRemoteEnded || this.#isReset || this.#isDiscarded) return undefined;
      this.#reader = Promise.withResolvers();
      await this.#reader.promise;
    }
  }

  /** Resolves when the kernel has taken all of it; false when the stream no longer takes any. */
  async write(data: Buffer): Promise<boolean> {
    for (let at = 0; at < data.length; ) {
      const room = await this.#carrier.sendable(this);
      if (this.#isReset || this.#isLocalEnded) return false;
      const part = data.subarray(at, at + room);
      at += part.length;
      await this.#carrier.sendData(this, part, false);
    }
    return !this.#isReset && !this.#isLocalEnded;
  }

  /** Nothing more comes from here; the other direction stays. */
  async end(): Promise<void> {
    if (this.#isReset || this.#isLocalEnded) return;
    this.#isLocalEnded = true;
    const sent = this.#carrier.sendData(this, Buffer.alloc(0), true);
    this.#settle();
    await sent;
  }

  /** Breaks off what has not ended yet; what has come and was not read is dropped. */
  reset(status: number): void {
    if (!this.isOver) this.#carrier.sendReset(this, status);
    this.resetByPeer();
  }

  /** Nobody reads it any more: what has come and what will come is dropped. */
  discard(): void {
    this.#isDiscarded = true;
    this.#drop();
    this.#reader?.resolve();
    this.#reader = undefined;
  }

  /** For the connection: false when nobody wants it. */
  receive(payload: Buffer, isFin: boolean): boolean {
    if (this.#isReset || this.#isRemoteEnded) return false;
    if (payload.length > 0) {
      this.#chunks.push(payload);
      this.#buffered += payload.length;
    }
    if (isFin) this.#isRemoteEnded = true;
    if (this.#isDiscarded) this.#drop();
    this.#settle();
    return true;
  }

  /** For the connection: the peer has broken it off, or is gone. */
  resetByPeer(): void {
    if (this.#isReset) return;
    this.#isReset = true;
    this.#drop();
    this.#settle();
  }

  #drop(): void {
    const dropped = this.#buffered;
    this.#chunks.length = 0;
    this.#buffered = 0;
    if (dropped > 0) this.#carrier.consumed(this, dropped);
  }

  #settle(): void {
    this.#reader?.resolve();
    this.#reader = undefined;
    if (!this.isOver) return;
    this.#closed.resolve();
    this.#carrier.closed(this);
  }
}
