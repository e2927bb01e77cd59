/**
 * A WebSocket to a client, watched: pings show that the client is there also while nothing is read from
 * it, and one that is silent in both directions for too long is closed.
 */

import { once } from 'node:events';
import type { WebSocket } from 'ws';
import type { Clock } from '../../../base/clock.ts';
import { IDLE_TIMEOUT_MS } from './timeouts.ts';

/** How soon a client that has vanished is noticed while it is not read. */
const PING_INTERVAL_MS = 5_000;
const CLOSE_NORMAL = 1000;

export class WebSocketLink {
  readonly socket: WebSocket;
  readonly closed: Promise<void>;
  readonly #clock: Clock;
  #activeAtMs: number;
  #cancelPing: () => void;

  constructor(socket: WebSocket, clock: Clock) {
    this.socket = socket;
    this.#clock = clock;
    this.#activeAtMs = clock.monotonicMs();
    this.#cancelPing = clock.schedule(PING_INTERVAL_MS, () => this.#ping());
    socket.on('error', () => undefined); // Followed by `close`.
    socket.on('message', () => this.#touch());
    this.closed = once(socket, 'close').then(() => this.#cancelPing());
  }

  /** Resolves when the kernel has taken it, or the client has gone. */
  async send(message: Buffer | string): Promise<void> {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.#touch();
    const { promise, resolve } = Promise.withResolvers<void>();
    // A failure to send is followed by the socket's close.
    this.socket.send(message, () => resolve());
    await promise;
  }

  /** Resolves when the client has closed too, or was cut off because it did not. */
  async close(): Promise<void> {
    this.socket.close(CLOSE_NORMAL);
    this.socket.resume();
    await this.closed;
  }

  #touch(): void {
    this.#activeAtMs = this.#clock.monotonicMs();
  }

  #ping(): void {
    if (this.#clock.monotonicMs() - this.#activeAtMs >= IDLE_TIMEOUT_MS) this.socket.terminate();
    // One that waits to be sent says as much as two.
    const isIdle = this.socket.readyState === this.socket.OPEN && this.socket.bufferedAmount === 0;
    if (isIdle) this.socket.ping();
    this.#cancelPing = this.#clock.schedule(PING_INTERVAL_MS, () => this.#ping());
  }
}
