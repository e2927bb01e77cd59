/** Exec: returns a URL at which the program is started and its streams are carried. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { findRunningContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';

export const exec: Rpc<'Exec'> = async (services, request) => {
  checkStreams(request);
  if (request.cmd.length === 0) throw new CriError('INVALID_ARGUMENT', 'no command was given');
  const record = findRunningContainer(services, request.container_id);
  const { tty, stdin, stdout, stderr } = request;
  return {
    url: services.streaming.offer({
      kind: 'exec',
      container: record.id,
      process: { ...record.process, args: request.cmd },
      streams: { tty, stdin, stdout, stderr },
    }),
  };
};

/** Throws INVALID_ARGUMENT: at least one stream, and no stderr of its own with a terminal. */
export function checkStreams(streams: {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}): void {
  if (streams.tty && streams.stderr) {
    throw new CriError('INVALID_ARGUMENT', 'tty and stderr cannot both be true');
  }
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw new CriError('INVALID_ARGUMENT', 'one of stdin, stdout, or stderr must be set');
  }
}
