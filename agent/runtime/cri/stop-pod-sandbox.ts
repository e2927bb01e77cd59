/** StopPodSandbox: may be repeated, also for sandboxes that are gone. */

import type { Rpc } from './rpc.ts';

export const stopPodSandbox: Rpc<'StopPodSandbox'> = async ({ sandboxes }, request) => {
  await sandboxes.stop(request.pod_sandbox_id);
  return {};
};
