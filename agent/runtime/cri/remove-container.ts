/** RemoveContainer: kills it when it runs; its log stays. Unknown: done. */

import type { Rpc } from './rpc.ts';

export const removeContainer: Rpc<'RemoveContainer'> = async ({ containers }, request) => {
  await containers.remove(request.container_id);
  return {};
};
