/**
 * Runs a command in a container, or attaches to one, over a WebSocket, with the subprotocol
 * `v5.channel.k8s.io`: binary messages whose first byte is the channel.
 *
 * Source: kubernetes/client-go tools/remotecommand/{websocket,v5}.go, v0.36; KEP-4006.
 */

import { execFileSync } from 'node:child_process';
import type { WebSocket } from 'ws';
import type { Status } from '../../proto/api/gen/meta-v1.ts';
import type { Session } from '../session.ts';

export const PROTOCOL = 'v5.channel.k8s.io';

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
/** Stops reading standard input while this much waits to be sent. */
const SEND_BUFFER_BYTES = 1024 * 1024;

export interface RemoteStreams {
  readonly stdin: NodeJS.ReadStream | undefined;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The terminal is the container's: raw, with resizes. */
  readonly tty: boolean;
}

/** How the command ended: its exit code, or why it could not be run. */
export type RemoteOutcome =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'failed'; readonly message: string };

/** `path` is the exec or attach path with its query. Resolves when the server has closed. */
export async function runRemote(
  session: Session,
  path: string,
  streams: RemoteStreams,
): Promise<RemoteOutcome> {
  const socket = await session.client.upgrade(path, { protocols: [PROTOCOL] }, session.signal);
  const restore = prepareTerminal(socket, streams);
  try {
    return await pump(socket, streams);
  } finally {
    restore();
    socket.terminate();
  }
}

function pump(socket: WebSocket, streams: RemoteStreams): Promise<RemoteOutcome> {
  return new Promise((resolve) => {
    let outcome: RemoteOutcome | undefined;
    socket.on('message', (data: Buffer) => {
      const payload = data.subarray(1);
      switch (data[0]) {
        case CHANNEL.stdout:
          streams.stdout.write(payload);
          return;
        case CHANNEL.stderr:
          streams.stderr.write(payload);
          return;
        case CHANNEL.status:
          if (payload.length > 0)
            outcome = outcomeOf(JSON.parse(payload.toString('utf8')) as Status);
          return;
        default: // A channel closed, or one that we did not ask for.
      }
    });
    socket.on('close', (code) => {
      const lost: RemoteOutcome = {
        kind: 'failed',
        message: `the connection was closed (${code})`,
      };
      resolve(outcome ?? (code === 1000 ? { kind: 'exited', code: 0 } : lost));
    });
    socket.on('error', (error) => resolve({ kind: 'failed', message: error.message }));
    sendStdin(socket, streams);
    socket.resume();
  });
}

function sendStdin(socket: WebSocket, { stdin }: RemoteStreams): void {
  if (stdin === undefined) return;
  stdin.on('data', (chunk: Buffer) => {
    socket.send(Buffer.concat([Buffer.of(CHANNEL.stdin), chunk]), () => {
      if (socket.bufferedAmount < SEND_BUFFER_BYTES) stdin.resume();
    });
    if (socket.bufferedAmount >= SEND_BUFFER_BYTES) stdin.pause();
  });
  stdin.on('end', () => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.of(CHANNEL.close, CHANNEL.stdin));
  });
}

/** Raw mode and window sizes; returns what puts the terminal back. */
function prepareTerminal(socket: WebSocket, streams: RemoteStreams): () => void {
  const { stdin, stdout, tty } = streams;
  if (!tty) return () => stdin?.destroy();
  const resize = (): void => {
    const size = JSON.stringify({ Width: stdout.columns, Height: stdout.rows });
    if (socket.readyState !== socket.OPEN) return;
    socket.send(Buffer.concat([Buffer.of(CHANNEL.resize), Buffer.from(size)]));
  };
  // First of all: the program starts when it is told, or a moment later.
  if (stdout.isTTY) {
    resize();
    stdout.on('resize', resize);
  }
  const cook = stdin?.isTTY === true ? makeRaw() : () => undefined;
  return () => {
    cook();
    stdin?.destroy();
    stdout.off('resize', resize);
  };
}

/**
 * Hands every byte on as it is, both ways. Node's own raw mode is not that: it leaves the terminal
 * adding a carriage return to each line that the container's terminal has already ended with one.
 */
function makeRaw(): () => void {
  const stty = (...args: readonly string[]): string =>
    execFileSync('stty', [...args], { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' });
  const before = stty('-g').trim();
  stty('raw', '-echo');
  return () => void stty(before);
}

function outcomeOf(status: Status): RemoteOutcome {
  if (status.status === 'Success') return { kind: 'exited', code: 0 };
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (status.reason === 'NonZeroExitCode' && cause !== undefined) {
    return { kind: 'exited', code: Number(cause.message) };
  }
  return { kind: 'failed', message: status.message ?? 'unknown error' };
}
