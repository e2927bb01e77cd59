/** RemovePodSandbox: may be repeated, also for sandboxes that are gone. */

import type { Rpc } from './rpc.ts';

export const removePodSandbox: Rpc<'RemovePodSandbox'> = async ({ sandboxes }, request) => {
  await sandboxes.remove(request.pod_sandbox_id);
  return {};
};
