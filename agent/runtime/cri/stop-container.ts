/** StopContainer: the stop signal, and SIGKILL after `timeout` seconds. Unknown or ended: done. */

import type { Rpc } from './rpc.ts';

export const stopContainer: Rpc<'StopContainer'> = async ({ containers }, request) => {
  await containers.stop(request.container_id, Number(request.timeout) * 1000);
  return {};
};
