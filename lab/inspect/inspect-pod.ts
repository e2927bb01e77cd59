/**
 * Gathers what a pod is to the kernel: for each container its process, and with whom it shares each of
 * its namespaces. Asks the runtime of the pod's node which processes those are.
 */

import { readFileSync, statSync } from 'node:fs';
import { parseCgroupLayout } from '../../agent/runtime/cgroup/layout.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import type { ContainerStatus } from '../../proto/cri/types.ts';
import { type CgroupFacts, readCgroup } from './cgroup-facts.ts';
import {
  NAMESPACES,
  type NamespaceName,
  type Namespaces,
  type ProcessFacts,
  readNamespaces,
  readProcess,
} from './process-facts.ts';

/** As the kubelet labels containers. */
const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';
const POD_UID_LABEL = 'io.kubernetes.pod.uid';

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly sandboxId: string;
  readonly containers: readonly ContainerFacts[];
}

export interface ContainerFacts {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly state: ContainerStatus['state'];
  /** Folders of the image's layers, the top one first; absent when the image is gone. */
  readonly layers?: readonly string[];
  /** Absent when it does not run. */
  readonly process?: ProcessFacts;
  readonly sharing?: Readonly<Record<NamespaceName, Sharing>>;
  readonly cgroup?: CgroupFacts;
}

export type Sharing =
  | { readonly kind: 'own' }
  /** Other containers of the pod that are in it, or none yet. */
  | { readonly kind: 'pod'; readonly others: readonly string[] }
  | { readonly kind: 'node' };

export interface InspectRequest {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** The file that pins the node's network namespace. */
  readonly nodeNetns: string;
}

/** Throws when the node's runtime has no sandbox of the pod. */
export async function inspectPod(client: CriClient, request: InspectRequest): Promise<PodFacts> {
  const filter = { label_selector: { [POD_UID_LABEL]: request.uid } };
  const { items } = await client.listPodSandbox({ filter });
  const sandbox = items.find(({ state }) => state === 'SANDBOX_READY') ?? items[0];
  if (sandbox === undefined) {
    throw new Error(`${request.node} has no sandbox of pod "${request.name}": it has not started`);
  }
  const { status } = await client.podSandboxStatus({ pod_sandbox_id: sandbox.id });
  const { containers } = await client.listContainers({ filter: { pod_sandbox_id: sandbox.id } });
  const found = await Promise.all(containers.map(({ id }) => readContainer(client, id)));
  const node = nodeNamespaces(request.nodeNetns);
  return {
    namespace: request.namespace,
    name: request.name,
    node: request.node,
    ip: status?.network?.ip ?? '',
    sandboxId: sandbox.id,
    containers: found
      .map((one) => withSharing(one, found, node))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** What our runtime adds to a status that is asked for with all details. */
interface VerboseInfo {
  readonly pid?: number;
  readonly lower?: readonly string[];
}

async function readContainer(client: CriClient, id: string): Promise<ContainerFacts> {
  const { status, info } = await client.containerStatus({ container_id: id, verbose: true });
  const { pid, lower } = JSON.parse(info.info ?? '{}') as VerboseInfo;
  const facts: ContainerFacts = {
    id,
    name: status?.labels[CONTAINER_NAME_LABEL] ?? status?.metadata?.name ?? id,
    image: status?.image?.image ?? '',
    state: status?.state ?? 'CONTAINER_UNKNOWN',
    ...(lower !== undefined && { layers: lower }),
  };
  if (status?.state !== 'CONTAINER_RUNNING' || pid === undefined || pid === 0) return facts;
  const process = readProcess(pid);
  const layout = parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
  const memory = process.cgroups.find(({ controllers }) => controllers.includes('memory'));
  const path = (memory ?? process.cgroups[0])?.path ?? '/';
  const cgroup = layout === undefined ? undefined : readCgroup(layout, path);
  return { ...facts, process, ...(cgroup !== undefined && { cgroup }) };
}

/** Of a process of the node that is in no container: the machine's, but for the network. */
function nodeNamespaces(netns: string): Namespaces {
  return { ...readNamespaces('/proc/self'), net: statSync(netns).ino };
}

function withSharing(
  container: ContainerFacts,
  all: readonly ContainerFacts[],
  node: Namespaces,
): ContainerFacts {
  const own = container.process?.namespaces;
  if (own === undefined) return container;
  const sharing = Object.fromEntries(
    NAMESPACES.map((name) => [name, sharingOf(name, own, container, all, node)]),
  ) as Record<NamespaceName, Sharing>;
  return { ...container, sharing };
}

/** The network, IPC and host name are the pod's even when one container alone is in them. */
const OF_THE_POD: readonly NamespaceName[] = ['net', 'ipc', 'uts'];

function sharingOf(
  name: NamespaceName,
  own: Namespaces,
  container: ContainerFacts,
  all: readonly ContainerFacts[],
  node: Namespaces,
): Sharing {
  if (own[name] === node[name]) return { kind: 'node' };
  const others = all
    .filter((one) => one.id !== container.id && one.process?.namespaces[name] === own[name])
    .map((one) => one.name);
  if (others.length === 0 && !OF_THE_POD.includes(name)) return { kind: 'own' };
  return { kind: 'pod', others };
}
