/**
 * How much may be sent to a peer that takes part in flow control: a window for each stream and, in
 * SPDY/3.1, one for the connection. Each counts from the moment the peer moves it; before that there is
 * no limit but TCP's.
 *
 * Source: draft-mbelshe-httpbis-spdy-00 §2.6.8; SPDY/3.1 §2.6.8.
 */

import { SETTINGS_INITIAL_WINDOW_SIZE, type SettingsEntry, SpdyError } from './frames.ts';
import type { SpdyStream } from './stream.ts';

const INITIAL_WINDOW_BYTES = 64 * 1024;
const WINDOW_BYTES_MAX = 0x7fff_ffff;

export class SendWindows {
  #areStreamsUsed = false;
  #isSessionUsed = false;
  #initial = INITIAL_WINDOW_BYTES;
  #session = INITIAL_WINDOW_BYTES;
  readonly #waiting = new Map<SpdyStream, PromiseWithResolvers<void>>();

  /** The peer counts what the connection as a whole carries. */
  get isSessionUsed(): boolean {
    return this.#isSessionUsed;
  }

  /** Resolves with more than nothing, or with 0 when the stream is over. */
  async room(stream: SpdyStream): Promise<number> {
    for (;;) {
      if (stream.isOver) return 0;
      const own = this.#areStreamsUsed ? this.#left(stream) : Number.POSITIVE_INFINITY;
      const shared = this.#isSessionUsed ? this.#session : Number.POSITIVE_INFINITY;
      const room = Math.min(own, shared);
      if (room > 0) return room;
      const waiting = this.#waiting.get(stream) ?? Promise.withResolvers<void>();
      this.#waiting.set(stream, waiting);
      await waiting.promise;
    }
  }

  sent(stream: SpdyStream, bytes: number): void {
    stream.window.sent += bytes;
    this.#session -= bytes;
  }

  /** False when the window is larger than the protocol has room for. */
  grant(stream: SpdyStream, bytes: number): boolean {
    this.#areStreamsUsed = true;
    stream.window.granted += bytes;
    this.#wake(stream);
    return this.#left(stream) <= WINDOW_BYTES_MAX;
  }

  /** Throws {@link SpdyError} when the window is larger than the protocol has room for. */
  grantSession(bytes: number): void {
    this.#isSessionUsed = true;
    this.#session += bytes;
    if (this.#session > WINDOW_BYTES_MAX) throw new SpdyError('the window is too large');
    this.#wakeAll();
  }

  settings(entries: readonly SettingsEntry[]): void {
    for (const { id, value } of entries) {
      if (id !== SETTINGS_INITIAL_WINDOW_SIZE) continue;
      if (value > WINDOW_BYTES_MAX) throw new SpdyError('the window is too large');
      this.#areStreamsUsed = true;
      this.#initial = value;
    }
    this.#wakeAll();
  }

  forget(stream: SpdyStream): void {
    this.#wake(stream);
  }

  #left(stream: SpdyStream): number {
    return this.#initial + stream.window.granted - stream.window.sent;
  }

  #wake(stream: SpdyStream): void {
    this.#waiting.get(stream)?.resolve();
    this.#waiting.delete(stream);
  }

  #wakeAll(): void {
    for (const stream of [...this.#waiting.keys()]) this.#wake(stream);
  }
}
