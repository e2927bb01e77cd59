/**
 * The plugins of kube-scheduler's default profile that are there, with their weights, in its order.
 * Not there yet: volumes, dynamic resources, preemption.
 *
 * Source: kubernetes pkg/scheduler/apis/config/v1/default_plugins.go, v1.36.
 */

import type { Client } from '../client/client.ts';
import type { NamespaceLabels } from './cache/affinity-terms.ts';
import type { ConfiguredPlugin } from './framework/plugin.ts';
import { newDefaultBinder } from './plugins/default-binder.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { newInterPodAffinity } from './plugins/inter-pod-affinity/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { newNodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts';
import { newNodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import type { PeerSelector } from './plugins/pod-topology-spread/constraints.ts';
import { newPodTopologySpread } from './plugins/pod-topology-spread/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';

/** What plugins ask of the world, besides the snapshot. */
export interface ProfileDependencies {
  readonly client: Pick<Client, 'request'>;
  readonly peersOf: PeerSelector;
  readonly namespaceLabels: NamespaceLabels;
}

export function defaultProfile(dependencies: ProfileDependencies): readonly ConfiguredPlugin[] {
  const { client, peersOf, namespaceLabels } = dependencies;
  return [
    { plugin: schedulingGates },
    { plugin: prioritySort },
    { plugin: nodeUnschedulable },
    { plugin: nodeName },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts },
    { plugin: newNodeResourcesFit(), weight: 1 },
    { plugin: newPodTopologySpread(peersOf), weight: 2 },
    { plugin: newInterPodAffinity(namespaceLabels), weight: 2 },
    { plugin: newNodeResourcesBalancedAllocation(), weight: 1 },
    { plugin: imageLocality, weight: 1 },
    { plugin: newDefaultBinder(client) },
  ];
}
