/** UpdateContainerResources: what is named changes, and is reported from then on. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { findContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';

export const updateContainerResources: Rpc<'UpdateContainerResources'> = async (
  services,
  request,
) => {
  const record = findContainer(services, request.container_id);
  if (record.phase !== 'created' && record.phase !== 'running') {
    throw new CriError('FAILED_PRECONDITION', `container ${record.id} is ${record.phase}`);
  }
  if (request.linux !== null) await services.containers.update(record.id, request.linux);
  return {};
};
