/** PodSandboxStatus: with the statuses of its containers. An unknown id is NOT_FOUND. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { containerStatusMessage, sandboxStatusMessage } from './messages.ts';
import type { Rpc } from './rpc.ts';

export const podSandboxStatus: Rpc<'PodSandboxStatus'> = async ({ runtime }, request) => {
  const { state } = runtime.parts;
  const record = state.sandbox(request.pod_sandbox_id);
  if (record === undefined || record.phase === 'creating') {
    throw new CriError('NOT_FOUND', `no sandbox with the id "${request.pod_sandbox_id}"`);
  }
  const containers = state.containersOf(record.id).filter(({ phase }) => phase !== 'creating');
  return {
    status: sandboxStatusMessage(record),
    info: request.verbose ? { info: JSON.stringify(record) } : {},
    containers_statuses: containers.map(containerStatusMessage),
    timestamp: runtime.nowNs(),
  };
};
