/** StartContainer: returns once the program runs. Only a created container can be started. */

import type { Rpc } from './rpc.ts';

export const startContainer: Rpc<'StartContainer'> = async ({ containers }, request) => {
  await containers.start(request.container_id);
  return {};
};
