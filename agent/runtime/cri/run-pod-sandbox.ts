/** RunPodSandbox: returns when the sandbox is ready and has its address. */

import type { Rpc } from './rpc.ts';

export const runPodSandbox: Rpc<'RunPodSandbox'> = async ({ sandboxes }, request) => ({
  pod_sandbox_id: await sandboxes.run(request),
});
