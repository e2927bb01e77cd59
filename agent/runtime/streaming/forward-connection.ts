/**
 * One forwarded connection: the client's bytes to a port of the pod and back, each direction with an end
 * of its own. What keeps it from being made is told on the client's error stream, in the kubelet's words;
 * a connection that breaks later just ends, as it would without us.
 *
 * Source: kubernetes kubelet cri/streaming/portforward/httpstream.go; containerd sandbox_portforward_linux.go.
 */

import type net from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { DialError, type DialLoopback } from '../network/dial-loopback.ts';

/** After the pod has ended its side, how long the client's side may be silent. */
const DRAIN_MS = 1_000;

/** One stream or channel to the client; SpdyStream is one. */
export interface ClientStream {
  /** Broken off by the client, or the client is gone. */
  readonly isReset: boolean;
  /** The next bytes; undefined at the end. */
  read(): Promise<Buffer | undefined>;
  /** False when it takes no more. */
  write(data: Buffer): Promise<boolean>;
  end(): Promise<void>;
  /** Nobody reads it any more. */
  discard(): void;
  readonly closed: Promise<void>;
}

export interface ForwardTarget {
  readonly sandbox: string;
  /** Where the pod's network namespace is pinned; undefined: the node's. */
  readonly netns: string | undefined;
}

export interface ForwardParts {
  readonly dial: DialLoopback;
  readonly clock: Clock;
}

/** Resolves when both sides are done with it. */
export async function forwardConnection(
  data: ClientStream,
  error: ClientStream,
  port: number,
  target: ForwardTarget,
  parts: ForwardParts,
): Promise<void> {
  error.discard();
  try {
    const failure = await join(data, port, target, parts);
    if (failure !== undefined) {
      const { sandbox } = target;
      const text = `error forwarding port ${port} to pod ${sandbox}, uid : ${failure}`;
      await error.write(Buffer.from(text));
    }
  } finally {
    data.discard();
    await Promise.all([data.end(), error.end()]);
  }
}

/** Returns why there was no connection. */
async function join(
  data: ClientStream,
  port: number,
  target: ForwardTarget,
  { dial, clock }: ForwardParts,
): Promise<string | undefined> {
  let socket: net.Socket;
  try {
    socket = await dial(target.netns, port);
  } catch (error) {
    if (error instanceof DialError) return error.message;
    throw error;
  }
  socket.on('error', () => undefined); // Followed by `close`.
  const closed = Promise.withResolvers<void>();
  socket.on('close', () => {
    data.discard();
    closed.resolve();
  });
  // The client has broken it off, perhaps already.
  void data.closed.then(() => data.isReset && socket.destroy());
  const drain = new Drain(clock, socket);
  await Promise.all([toClient(socket, data, drain), toPod(data, socket, drain), closed.promise]);
  return undefined;
}

async function toClient(socket: net.Socket, data: ClientStream, drain: Drain): Promise<void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      if (!(await data.write(chunk as Buffer))) break;
    }
  } catch {
    // It broke: the client sees the end.
  }
  await data.end();
  drain.start();
}

async function toPod(data: ClientStream, socket: net.Socket, drain: Drain): Promise<void> {
  for (let chunk = await data.read(); chunk !== undefined; chunk = await data.read()) {
    if (socket.destroyed) return data.discard();
    drain.move();
    if (socket.write(chunk)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('drain', resolve).once('close', resolve);
    await promise;
    socket.off('drain', resolve).off('close', resolve);
  }
  if (data.isReset) socket.destroy();
  else socket.end();
}

/** Cuts the pod's socket when the client has stayed silent for too long after the pod's end. */
class Drain {
  readonly #clock: Clock;
  readonly #socket: net.Socket;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, socket: net.Socket) {
    this.#clock = clock;
    this.#socket = socket;
    socket.once('close', () => this.#cancel?.());
  }

  start(): void {
    if (this.#socket.destroyed) return;
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(DRAIN_MS, () => this.#socket.destroy());
  }

  move(): void {
    if (this.#cancel !== undefined) this.start();
  }
}
