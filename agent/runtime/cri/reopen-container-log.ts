/** ReopenContainerLog: for a running container only; the log is the client's to rotate. */

import { findRunningContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';

export const reopenContainerLog: Rpc<'ReopenContainerLog'> = async (services, request) => {
  const record = findRunningContainer(services, request.container_id);
  const { spawner } = services.runtime.parts;
  await spawner.client.request('reopenLog', { containerId: record.id });
  return {};
};
