/**
 * ExecSync: runs a program in a container and returns what it wrote. A non-zero exit is no error; a
 * program that ran out of time is DEADLINE_EXCEEDED. Output beyond the bound is read and dropped.
 */

import type { Readable } from 'node:stream';
import { CRI_MESSAGE_BYTES_MAX, CriError } from '../../../proto/cri/rpcs.ts';
import type { StdioSession } from '../spawner/stdio-session.ts';
import { findRunningContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';

/** Of each stream: both and the rest of the answer must fit into one message. */
const OUTPUT_BYTES_MAX = CRI_MESSAGE_BYTES_MAX / 2 - 1024;

export const execSync: Rpc<'ExecSync'> = async (services, request, signal) => {
  if (request.cmd.length === 0) throw new CriError('INVALID_ARGUMENT', 'no command was given');
  const record = findRunningContainer(services, request.container_id);
  const { spawner } = services.runtime.parts;
  const timeoutMs = Number(request.timeout) * 1000;
  const session = await spawner.client.exec({
    containerId: record.id,
    process: { ...record.process, args: request.cmd },
    isTty: false,
    isStdinOpen: false,
    ...(timeoutMs > 0 ? { timeoutMs } : {}),
  });
  const close = (): void => session.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    return await collect(session, request.cmd, timeoutMs);
  } finally {
    signal.removeEventListener('abort', close);
    session.close();
  }
};

async function collect(session: StdioSession, cmd: readonly string[], timeoutMs: number) {
  const [stdout, stderr, exit] = await Promise.all([
    readBounded(session.stdout),
    readBounded(session.stderr),
    session.exit,
  ]);
  if (exit === undefined) throw new CriError('UNAVAILABLE', 'lost the program that was executed');
  if (exit.isTimedOut === true) {
    const command = cmd.join(' ').slice(0, 200);
    throw new CriError('DEADLINE_EXCEEDED', `command "${command}" timed out after ${timeoutMs} ms`);
  }
  return { stdout, stderr, exit_code: exit.exitCode };
}

async function readBounded(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part: Buffer = chunk.subarray(0, Math.max(0, OUTPUT_BYTES_MAX - bytes));
    bytes += part.length;
    if (part.length > 0) chunks.push(part);
  }
  return Buffer.concat(chunks);
}
