/** ContainerStatus: an unknown id is NOT_FOUND. */

import { findContainer } from './find-container.ts';
import { containerStatusMessage } from './messages.ts';
import type { Rpc } from './rpc.ts';

export const containerStatus: Rpc<'ContainerStatus'> = async (services, request) => {
  const record = findContainer(services, request.container_id);
  const info = { sandboxID: record.sandboxId, runtimeSpec: { process: record.process } };
  return {
    status: containerStatusMessage(record),
    info: request.verbose ? { info: JSON.stringify(info) } : {},
  };
};
