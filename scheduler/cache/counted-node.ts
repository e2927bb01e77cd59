/**
 * A node that is counted in place: a pod more or less costs the same however many there are. The nodes
 * of the snapshot are such, and copies of them for whoever tries many things on one node.
 */

import type { Node } from '../../proto/api/gen/core-v1.ts';
import { affinityCount, type NodeInfo, nodeFacts } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { type MutableResources, newSum, type Resources } from './resources.ts';

/** Its fields are its own and public, so that a copy by `{...node}` is a whole NodeInfo. */
export class CountedNode implements NodeInfo {
  readonly index: number;
  readonly name: string;
  node: Node;
  allocatable: Resources;
  allocatablePods: number;
  imageSizes: ReadonlyMap<string, number>;
  podsWithAffinity = 0;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: MutableResources = newSum();
  readonly nonZeroRequested: MutableResources = newSum();

  /** Without pods. */
  constructor(facts: ReturnType<typeof nodeFacts>, index: number) {
    this.index = index;
    this.name = facts.name;
    this.node = facts.node;
    this.allocatable = facts.allocatable;
    this.allocatablePods = facts.allocatablePods;
    this.imageSizes = facts.imageSizes;
  }

  /** To be changed in thought: the original stays as it is. */
  static copyOf(info: NodeInfo): CountedNode {
    const copy = new CountedNode(info, info.index);
    for (const [uid, pod] of info.pods) copy.pods.set(uid, pod);
    copy.podsWithAffinity = info.podsWithAffinity;
    addTo(copy.requested, info.requested, 1);
    addTo(copy.nonZeroRequested, info.nonZeroRequested, 1);
    return copy;
  }

  /** The same node as it is now. */
  replace(node: Node): void {
    const facts = nodeFacts(node);
    this.node = node;
    this.allocatable = facts.allocatable;
    this.allocatablePods = facts.allocatablePods;
    this.imageSizes = facts.imageSizes;
  }

  /** The pod must not be on the node. */
  add(pod: PodInfo): void {
    this.pods.set(pod.pod.metadata.uid, pod);
    this.#count(pod, 1);
  }

  /** The pod that was there, if it was. */
  remove(uid: string): PodInfo | undefined {
    const pod = this.pods.get(uid);
    if (pod === undefined) return undefined;
    this.pods.delete(uid);
    this.#count(pod, -1);
    return pod;
  }

  #count(pod: PodInfo, times: 1 | -1): void {
    this.podsWithAffinity += times * affinityCount(pod);
    addTo(this.requested, pod.requests, times);
    addTo(this.nonZeroRequested, pod.nonZeroRequests, times);
  }
}

function addTo(sum: MutableResources, amount: Resources, times: 1 | -1): void {
  sum.milliCpu += times * amount.milliCpu;
  sum.memory += times * amount.memory;
  sum.ephemeralStorage += times * amount.ephemeralStorage;
  for (const [name, units] of amount.scalars) {
    const left = (sum.scalars.get(name) ?? 0) + times * units;
    if (left === 0) sum.scalars.delete(name);
    else sum.scalars.set(name, left);
  }
}
