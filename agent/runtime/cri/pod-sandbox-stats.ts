/** PodSandboxStats: an unknown id is NOT_FOUND. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { Rpc } from './rpc.ts';
import { sandboxStatsMessage } from './stats-messages.ts';

export const podSandboxStats: Rpc<'PodSandboxStats'> = async (services, request) => {
  const record = services.runtime.parts.state.sandbox(request.pod_sandbox_id);
  if (record === undefined || record.phase === 'creating') {
    throw new CriError('NOT_FOUND', `no sandbox with the id "${request.pod_sandbox_id}"`);
  }
  const namespaces = await services.runtime.parts.spawner.client.request('listSandboxes', {});
  const netns = namespaces.find(({ sandboxId }) => sandboxId === record.id)?.net;
  return { stats: await sandboxStatsMessage(services, record, netns) };
};
