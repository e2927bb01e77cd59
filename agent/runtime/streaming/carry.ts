/**
 * Carries the standard streams of a process to a client, whatever protocol the client speaks, until the
 * process ends or the client goes, with back-pressure both ways: nothing piles up for a slow side.
 */

import type { Readable } from 'node:stream';
import type { TerminalSize } from '../spawner/protocol.ts';
import type { StdioSession } from '../spawner/stdio-session.ts';
import type { Outcome } from './outcome.ts';

export interface Streams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The client's side, in one of the protocols. */
export interface RemoteClient {
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>;
  /** Resolves when the kernel has taken it, or the client has gone. */
  write(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void>;
  /** Resolves with what is known when the terminal's first size is there, or none can be waited for. */
  firstSize(): Promise<TerminalSize | undefined>;
  /** From here on, what the client sends goes to the process. */
  receive(session: StdioSession): void;
  /** Tells how it ended and resolves when the connection is closed. */
  finish(outcome: Outcome): Promise<void>;
}

export interface CarryOptions {
  readonly client: RemoteClient;
  readonly streams: Streams;
  /** Opens the process's streams. What it throws is told to the client. */
  readonly open: () => Promise<StdioSession>;
  /** An attachment succeeds however the process ends: its exit code is the container's. */
  readonly isAttach: boolean;
}

/** Resolves when both sides are closed. */
export async function carry(options: CarryOptions): Promise<void> {
  const { client, open } = options;
  let session: StdioSession;
  try {
    session = await open();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'could not be started';
    await client.finish({ kind: 'failed', message });
    return;
  }
  // Whoever runs for a client that is gone runs for nobody.
  void client.closed.then(() => session.close());
  client.receive(session);
  await client.finish(await outputUntilExit(session, options));
}

async function outputUntilExit(session: StdioSession, options: CarryOptions): Promise<Outcome> {
  const { client, streams } = options;
  const [exit] = await Promise.all([
    session.exit,
    copy(session.stdout, (chunk) => (streams.stdout ? client.write('stdout', chunk) : undefined)),
    copy(session.stderr, (chunk) => (streams.stderr ? client.write('stderr', chunk) : undefined)),
  ]);
  if (exit === undefined) return { kind: 'failed', message: 'lost the connection to the process' };
  return { kind: 'exited', exitCode: options.isAttach ? 0 : exit.exitCode };
}

/** The next chunk is read only when this one has been handed on. */
async function copy(
  stream: Readable,
  write: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  for await (const chunk of stream) await write(chunk as Buffer);
}
