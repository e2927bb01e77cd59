/** Looks up the container a request is about. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { ContainerRecord } from '../store/container-record.ts';
import type { Services } from './rpc.ts';

/** Throws NOT_FOUND; one that is still being made is not there yet. */
export function findContainer({ runtime }: Services, id: string): ContainerRecord {
  const record = id === '' ? undefined : runtime.parts.state.container(id);
  if (record !== undefined && record.phase !== 'creating') return record;
  throw new CriError('NOT_FOUND', `no container with the id "${id}"`);
}

/** Throws FAILED_PRECONDITION when it does not run. */
export function findRunningContainer(services: Services, id: string): ContainerRecord {
  const record = findContainer(services, id);
  if (record.phase === 'running') return record;
  throw new CriError(
    'FAILED_PRECONDITION',
    `container ${record.id} is not running: ${record.phase}`,
  );
}
