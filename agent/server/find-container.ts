/** Finds the run of a container, or the sandbox of a pod, that a request names. */

import type { CriClient } from '../../proto/cri/client.ts';
import type { ContainerStatus } from '../../proto/cri/types.ts';
import {
  CONTAINER_NAME_LABEL,
  POD_NAME_LABEL,
  POD_NAMESPACE_LABEL,
} from '../pod/container-identity.ts';

export interface ContainerAddress {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

type Cri = Pick<CriClient, 'listContainers' | 'containerStatus'>;

/**
 * The newest run, or the one before it; undefined when there is none. With `uid` only a run of
 * that pod counts: another pod may have had the name before.
 */
export async function findContainer(
  cri: Cri,
  address: ContainerAddress,
  uid: string | undefined,
  previous = false,
): Promise<ContainerStatus | undefined> {
  const label_selector = {
    [POD_NAMESPACE_LABEL]: address.namespace,
    [POD_NAME_LABEL]: address.pod,
    [CONTAINER_NAME_LABEL]: address.container,
    ...(uid === undefined ? {} : { 'io.kubernetes.pod.uid': uid }),
  };
  const { containers } = await cri.listContainers({ filter: { label_selector } });
  const newestFirst = containers.toSorted((a, b) =>
    Number(BigInt(b.created_at) - BigInt(a.created_at)),
  );
  const found = newestFirst[previous ? 1 : 0];
  if (found === undefined) return undefined;
  return (await cri.containerStatus({ container_id: found.id })).status ?? undefined;
}

/** The id of the pod's sandbox that is ready; undefined when there is none. */
export async function findSandbox(
  cri: Pick<CriClient, 'listPodSandbox'>,
  address: Pick<ContainerAddress, 'namespace' | 'pod'>,
  uid: string | undefined,
): Promise<string | undefined> {
  const label_selector = {
    [POD_NAMESPACE_LABEL]: address.namespace,
    [POD_NAME_LABEL]: address.pod,
    ...(uid === undefined ? {} : { 'io.kubernetes.pod.uid': uid }),
  };
  const filter = { label_selector, state: { state: 'SANDBOX_READY' as const } };
  const { items } = await cri.listPodSandbox({ filter });
  return items[0]?.id;
}
