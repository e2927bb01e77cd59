/** ContainerStatus: an unknown id is NOT_FOUND. */

import { findContainer } from './find-container.ts';
import { containerStatusMessage } from './messages.ts';
import type { Rpc, Services } from './rpc.ts';

export const containerStatus: Rpc<'ContainerStatus'> = async (services, request) => {
  const record = findContainer(services, request.container_id);
  const status = containerStatusMessage(record);
  if (!request.verbose) return { status, info: {} };
  const { sandboxId, process } = record;
  const pid = await pidOf(services, record.id);
  const { images } = services.runtime.parts;
  const image = images.find(record.imageId);
  // The image may be gone, by name: its layers are there as long as the container is.
  const lower = image === undefined ? undefined : images.lowerFolders(image);
  const info = { sandboxID: sandboxId, pid, lower, runtimeSpec: { process } };
  return { status, info: { info: JSON.stringify(info) } };
};

/** On the node; 0 when it does not run. */
async function pidOf({ runtime }: Services, id: string): Promise<number> {
  const states = await runtime.parts.spawner.client.request('listContainers', {});
  const state = states.find(({ containerId }) => containerId === id);
  return state?.state === 'running' ? (state.started?.pid ?? 0) : 0;
}
