/** Attach: returns a URL at which the streams of the container's first process are joined. */

import { checkStreams } from './exec.ts';
import { findRunningContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';

export const attach: Rpc<'Attach'> = async (services, request) => {
  checkStreams(request);
  const record = findRunningContainer(services, request.container_id);
  const { tty, stdin, stdout, stderr } = request;
  return {
    url: services.streaming.offer({
      kind: 'attach',
      container: record.id,
      streams: { tty, stdin, stdout, stderr },
    }),
  };
};
