/** What every controller gets: the client, the clock, a logger, recorders, and the shared informers. */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import { Informer } from '../client/informer.ts';
import type { Deployment, ReplicaSet } from '../proto/api/gen/apps-v1.ts';
import type { Lease } from '../proto/api/gen/coordination-v1.ts';
import type {
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  Pod,
  Service,
  ServiceAccount,
} from '../proto/api/gen/core-v1.ts';
import type { EndpointSlice } from '../proto/api/gen/discovery-v1.ts';
import type { PodDisruptionBudget } from '../proto/api/gen/policy-v1.ts';
import {
  configmaps,
  deployments,
  endpoints,
  endpointslices,
  leases,
  namespaces,
  nodes,
  poddisruptionbudgets,
  pods,
  replicasets,
  serviceaccounts,
  services,
} from '../proto/api/gen/resources.ts';
import { controllerOf, type KubernetesObject } from '../proto/api/meta.ts';

export interface ControllerContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly informers: SharedInformers;
  /** For events from this component, as `deployment-controller`. */
  readonly recorderOf: (component: string) => EventRecorder;
}

/** One informer a resource, whoever listens. */
export interface SharedInformers {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  /** Of nodes only. */
  readonly leases: Informer<Lease>;
  readonly namespaces: Informer<Namespace>;
  readonly serviceAccounts: Informer<ServiceAccount>;
  /** Only those named `kube-root-ca.crt`. */
  readonly rootCaConfigMaps: Informer<ConfigMap>;
  readonly services: Informer<Service>;
  readonly endpoints: Informer<Endpoints>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly deployments: Informer<Deployment>;
  readonly podDisruptionBudgets: Informer<PodDisruptionBudget>;
}

export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
export const ROOT_CA_NAME = 'kube-root-ca.crt';

const byNamespace = ({ metadata }: KubernetesObject): string[] => [metadata.namespace ?? ''];
/** The uid of the controlling owner; "" for objects without one. */
const byController = (object: KubernetesObject): string[] => [controllerOf(object)?.uid ?? ''];

export function newSharedInformers(
  context: Pick<ControllerContext, 'client' | 'clock' | 'logger'>,
): SharedInformers {
  const owned = { namespace: byNamespace, controller: byController };
  const byNode = (pod: Pod): string[] => [pod.spec.nodeName ?? ''];
  const namespaced = { indexers: { namespace: byNamespace } };
  const rootCa = { fieldSelector: `metadata.name=${ROOT_CA_NAME}` };
  return {
    pods: new Informer(context, pods, { indexers: { ...owned, node: byNode } }),
    nodes: new Informer(context, nodes),
    leases: new Informer(context, leases, { namespace: NODE_LEASE_NAMESPACE }),
    namespaces: new Informer(context, namespaces),
    serviceAccounts: new Informer(context, serviceaccounts),
    rootCaConfigMaps: new Informer(context, configmaps, rootCa),
    services: new Informer(context, services, namespaced),
    endpoints: new Informer(context, endpoints),
    endpointSlices: new Informer(context, endpointslices, namespaced),
    replicaSets: new Informer(context, replicasets, { indexers: owned }),
    deployments: new Informer(context, deployments, namespaced),
    podDisruptionBudgets: new Informer(context, poddisruptionbudgets, namespaced),
  };
}

/** Returns when the signal is aborted. */
export async function runInformers(informers: SharedInformers, signal: AbortSignal): Promise<void> {
  const all: { run(signal: AbortSignal): Promise<void> }[] = Object.values(informers);
  await Promise.all(all.map((informer) => informer.run(signal)));
}
