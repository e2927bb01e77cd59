/**
 * A node and the pods on it, with the sums that filters and scores need. What a snapshot hands out is
 * true until the next snapshot is taken; `addPodToNode` and `removePodFromNode` make copies, for
 * whoever wants to know what would be.
 */

import type { Node } from '../../proto/api/gen/core-v1.ts';
import { quantityValue } from '../../proto/api/quantity.ts';
import { hasAffinity } from './affinity-terms.ts';
import type { PodInfo } from './pod-info.ts';
import {
  addResources,
  NO_RESOURCES,
  type Resources,
  resourcesOf,
  subtractResources,
} from './resources.ts';

export interface NodeInfo {
  readonly node: Node;
  readonly name: string;
  readonly allocatable: Resources;
  /** How many pods the node takes. */
  readonly allocatablePods: number;
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodInfo>;
  /** How many of them care where other pods are; most nodes have none, and need no look then. */
  readonly podsWithAffinity: number;
  readonly requested: Resources;
  readonly nonZeroRequested: Resources;
  /** Size in bytes by every name of an image on the node. */
  readonly imageSizes: ReadonlyMap<string, number>;
  /** Where the columns of the snapshot have it; {@link NO_INDEX} when it is of no snapshot. */
  readonly index: number;
}

export const NO_INDEX = -1;

const NO_PODS: ReadonlyMap<string, PodInfo> = new Map();

/** What follows from the node's own object. */
export function nodeFacts(
  node: Node,
): Pick<NodeInfo, 'node' | 'name' | 'allocatable' | 'allocatablePods' | 'imageSizes'> {
  const { allocatable } = node.status;
  const imageSizes = new Map<string, number>();
  for (const { names = [], sizeBytes = 0 } of node.status.images ?? []) {
    for (const name of names) imageSizes.set(name, sizeBytes);
  }
  return {
    node,
    name: node.metadata.name,
    allocatable: resourcesOf(allocatable),
    allocatablePods: allocatable?.pods === undefined ? 0 : quantityValue(allocatable.pods),
    imageSizes,
  };
}

/** Without pods, and of no snapshot. */
export function newNodeInfo(node: Node): NodeInfo {
  return {
    ...nodeFacts(node),
    pods: NO_PODS,
    podsWithAffinity: 0,
    requested: NO_RESOURCES,
    nonZeroRequested: NO_RESOURCES,
    index: NO_INDEX,
  };
}

/** The pod must not be on the node. */
export function addPodToNode(info: NodeInfo, pod: PodInfo): NodeInfo {
  return {
    ...info,
    pods: new Map(info.pods).set(pod.pod.metadata.uid, pod),
    podsWithAffinity: info.podsWithAffinity + affinityCount(pod),
    requested: addResources(info.requested, pod.requests),
    nonZeroRequested: addResources(info.nonZeroRequested, pod.nonZeroRequests),
  };
}

/** Returns the same when the pod isn't on the node. */
export function removePodFromNode(info: NodeInfo, uid: string): NodeInfo {
  const pod = info.pods.get(uid);
  if (pod === undefined) return info;
  const pods = new Map(info.pods);
  pods.delete(uid);
  return {
    ...info,
    pods,
    podsWithAffinity: info.podsWithAffinity - affinityCount(pod),
    requested: subtractResources(info.requested, pod.requests),
    nonZeroRequested: subtractResources(info.nonZeroRequested, pod.nonZeroRequests),
  };
}

export function affinityCount({ affinity }: PodInfo): number {
  return hasAffinity(affinity) ? 1 : 0;
}
