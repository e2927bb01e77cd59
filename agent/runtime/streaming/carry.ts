/**
 * Carries the standard streams of a process over one WebSocket until the process ends or the client
 * goes, with back-pressure both ways: nothing piles up in memory for a slow side.
 */

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { StdioSession } from '../spawner/stdio-session.ts';
import {
  channelMessage,
  ERROR,
  type Outcome,
  outcomeMessage,
  parseClientMessage,
  STDERR,
  STDOUT,
  type Subprotocol,
} from './channels.ts';

/** A peer that does not answer the closing handshake is cut off by then. */
export const CLOSE_NORMAL = 1000;

export interface Streams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface CarryOptions {
  readonly socket: WebSocket;
  readonly protocol: Subprotocol;
  readonly streams: Streams;
  /** Opens the process's streams. What it throws is told to the client. */
  readonly open: () => Promise<StdioSession>;
  /** An attachment succeeds however the process ends: its exit code is the container's. */
  readonly isAttach: boolean;
}

/** Resolves when both sides are closed. */
export async function carry(options: CarryOptions): Promise<void> {
  const { socket, protocol, open } = options;
  const closed = once(socket, 'close');
  socket.on('error', () => undefined); // Followed by `close`.
  // Nothing is read from the client before there is somewhere to put it.
  socket.pause();
  // Upstream does, and some clients wait for it.
  socket.send(channelMessage(STDOUT, Buffer.alloc(0)));
  let session: StdioSession;
  try {
    session = await open();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'could not be started';
    finish(socket, { kind: 'failed', message }, protocol);
    socket.resume();
    await closed;
    return;
  }
  const closeSession = (): void => session.close();
  socket.on('close', closeSession);
  if (socket.readyState !== socket.OPEN) closeSession();
  receive(session, options);
  socket.resume();
  const outcome = await outputUntilExit(session, options);
  finish(socket, outcome, protocol);
  await closed;
}

async function outputUntilExit(session: StdioSession, options: CarryOptions): Promise<Outcome> {
  const { socket, streams } = options;
  const [exit] = await Promise.all([
    session.exit,
    streams.stdout ? send(socket, STDOUT, session.stdout) : drain(session.stdout),
    streams.stderr ? send(socket, STDERR, session.stderr) : drain(session.stderr),
  ]);
  if (exit === undefined) return { kind: 'failed', message: 'lost the connection to the process' };
  return { kind: 'exited', exitCode: options.isAttach ? 0 : exit.exitCode };
}

function receive(session: StdioSession, { socket, protocol, streams }: CarryOptions): void {
  session.stdin.on('drain', () => socket.resume());
  // The process may end while the client still writes.
  session.stdin.on('close', () => socket.resume());
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return;
    const message = parseClientMessage(data, protocol);
    switch (message.kind) {
      case 'stdin':
        if (!streams.stdin || session.stdin.destroyed || session.stdin.writableEnded) return;
        if (!session.stdin.write(message.data)) socket.pause();
        return;
      case 'stdin-end':
        if (streams.stdin && !session.stdin.destroyed) session.stdin.end();
        return;
      case 'resize':
        if (streams.tty) session.resize({ width: message.width, height: message.height });
        return;
      case 'ignored':
        return;
    }
  });
}

/** The next chunk is read only when this one has been handed to the kernel. */
async function send(socket: WebSocket, channel: number, stream: Readable): Promise<void> {
  for await (const chunk of stream) {
    if (socket.readyState !== socket.OPEN) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    // A failure to send is followed by the socket's close.
    socket.send(channelMessage(channel, chunk), () => resolve());
    await promise;
  }
}

async function drain(stream: Readable): Promise<void> {
  for await (const _chunk of stream) void _chunk;
}

function finish(socket: WebSocket, outcome: Outcome, protocol: Subprotocol): void {
  const text = outcomeMessage(outcome, protocol);
  if (text !== '') socket.send(channelMessage(ERROR, Buffer.from(text)));
  socket.close(CLOSE_NORMAL);
}
