/**
 * What a {@link Snapshot} is made of: the nodes with their pods, columns by index, versions, and the log
 * of changes. Every change costs what it changes, not what there is.
 *
 * Source of the idea: kubernetes pkg/scheduler/backend/cache/snapshot.go, v1.36, whose one snapshot
 * is brought up to date as well.
 */

import type { Node } from '../../proto/api/gen/core-v1.ts';
import { hasAffinity } from './affinity-terms.ts';
import { CountedNode } from './counted-node.ts';
import { nodeFacts } from './node-info.ts';
import { PodChangeLog } from './pod-change-log.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';
import { TopologyIndex } from './topology-index.ts';

const CAPACITY_MIN = 64;
/** Topology keys with a column, the last ones asked for: a cluster uses a handful. */
const TOPOLOGIES_MAX = 32;
/** Values of a key, beside two for each node, before those that nobody has are forgotten. */
const SPARE_VALUES_MAX = 1_024;

export class NodeSet implements Snapshot {
  nodes: readonly CountedNode[] = [];
  order = new Int32Array(0);
  positions = new Int32Array(CAPACITY_MIN);
  versions = new Float64Array(CAPACITY_MIN);
  topologyVersion = 0;
  imagesVersion = 0;
  podsWithAffinity = 0;
  readonly podChanges = new PodChangeLog();
  readonly byName = new Map<string, CountedNode>();
  /** Pods whose node isn't known, by node and uid. */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly #imageCounts = new Map<string, number>();
  readonly #topologies = new Map<string, TopologyIndex>();
  readonly #free: number[] = [];
  #version = 0;
  #nextIndex = 0;

  /** Adds a node, with the pods that it is known to have, or puts another state in its place. */
  setNode(node: Node): void {
    const { name } = node.metadata;
    const known = this.byName.get(name);
    if (known !== undefined) {
      this.#replace(known, node);
      return;
    }
    const added = new CountedNode(nodeFacts(node), this.#takeIndex());
    this.byName.set(name, added);
    this.#countImages(added.imageSizes, 1);
    this.#placeInTopologies(added);
    this.#touch(added);
    for (const pod of this.#homeless.get(name)?.values() ?? []) this.#add(pod, added);
    this.#homeless.delete(name);
  }

  removeNode(name: string): void {
    const node = this.byName.get(name);
    if (node === undefined) return;
    if (node.pods.size > 0) this.#homeless.set(name, new Map(node.pods));
    for (const uid of [...node.pods.keys()]) this.#remove(uid, node);
    this.#countImages(node.imageSizes, -1);
    this.byName.delete(name);
    for (const topology of this.#topologies.values()) topology.unset(node.index);
    this.topologyVersion += 1;
    this.#touch(node);
    this.#free.push(node.index);
  }

  /** After nodes were added or removed: all names, in the order to look at them. */
  setOrder(names: readonly string[]): void {
    const nodes: CountedNode[] = [];
    for (const name of names) {
      const node = this.byName.get(name);
      if (node === undefined) continue;
      this.positions[node.index] = nodes.length;
      nodes.push(node);
    }
    this.nodes = nodes;
    this.order = Int32Array.from(nodes, ({ index }) => index);
  }

  /** A pod that is new on the node, or changed there. */
  setPod(pod: PodInfo, nodeName: string): void {
    const { uid } = pod.pod.metadata;
    const node = this.byName.get(nodeName);
    if (node === undefined) {
      const homeless = this.#homeless.get(nodeName) ?? new Map<string, PodInfo>();
      this.#homeless.set(nodeName, homeless.set(uid, pod));
      return;
    }
    const old = node.pods.get(uid);
    if (old !== undefined && isSamePeer(old, pod)) {
      node.remove(uid);
      node.add(pod);
      this.#touch(node);
      return;
    }
    if (old !== undefined) this.#remove(uid, node);
    this.#add(pod, node);
  }

  removePod(uid: string, nodeName: string): void {
    const node = this.byName.get(nodeName);
    if (node !== undefined) this.#remove(uid, node);
    const homeless = this.#homeless.get(nodeName);
    homeless?.delete(uid);
    if (homeless?.size === 0) this.#homeless.delete(nodeName);
  }

  nodesWithImage(name: string): number {
    return this.#imageCounts.get(name) ?? 0;
  }

  topology(key: string): TopologyIndex {
    let topology = this.#topologies.get(key);
    // One that has too many values that nobody has is made anew.
    if (topology !== undefined && topology.size > 2 * this.byName.size + SPARE_VALUES_MAX) {
      this.#topologies.delete(key);
      this.topologyVersion += 1;
      topology = undefined;
    }
    if (topology !== undefined) return topology;
    const made = new TopologyIndex(key, this.versions.length);
    for (const node of this.byName.values()) made.set(node.index, node.node);
    const oldest = this.#topologies.keys().next().value;
    if (oldest !== undefined && this.#topologies.size >= TOPOLOGIES_MAX) {
      this.#topologies.delete(oldest);
    }
    this.#topologies.set(key, made);
    return made;
  }

  #replace(known: CountedNode, node: Node): void {
    const { node: before, imageSizes } = known;
    known.replace(node);
    // Read from the wire every state has lists of its own; most often they say the same.
    if (!isSameSizes(imageSizes, known.imageSizes)) {
      this.#countImages(imageSizes, -1);
      this.#countImages(known.imageSizes, 1);
    }
    if (!isSamePlace(before, node)) this.#placeInTopologies(known);
    this.#touch(known);
  }

  #add(pod: PodInfo, node: CountedNode): void {
    node.add(pod);
    if (hasAffinity(pod.affinity)) this.podsWithAffinity += 1;
    this.podChanges.append(pod, node.index, 1);
    this.#touch(node);
  }

  #remove(uid: string, node: CountedNode): void {
    const pod = node.remove(uid);
    if (pod === undefined) return;
    if (hasAffinity(pod.affinity)) this.podsWithAffinity -= 1;
    this.podChanges.append(pod, node.index, -1);
    this.#touch(node);
  }

  #touch(node: CountedNode): void {
    this.#version += 1;
    this.versions[node.index] = this.#version;
  }

  #placeInTopologies(node: CountedNode): void {
    for (const topology of this.#topologies.values()) topology.set(node.index, node.node);
    this.topologyVersion += 1;
  }

  #countImages(sizes: ReadonlyMap<string, number>, times: 1 | -1): void {
    this.imagesVersion += 1;
    for (const name of sizes.keys()) {
      const count = (this.#imageCounts.get(name) ?? 0) + times;
      if (count === 0) this.#imageCounts.delete(name);
      else this.#imageCounts.set(name, count);
    }
  }

  #takeIndex(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    if (index === this.versions.length) this.#grow(2 * index);
    return index;
  }

  #grow(capacity: number): void {
    const versions = new Float64Array(capacity);
    versions.set(this.versions);
    this.versions = versions;
    const positions = new Int32Array(capacity);
    positions.set(this.positions);
    this.positions = positions;
    for (const topology of this.#topologies.values()) topology.grow(capacity);
  }
}

/** Whether the pod counts for others as it did: what is counted of it by anyone but its own node. */
function isSamePeer(old: PodInfo, pod: PodInfo): boolean {
  const [before, after] = [old.pod.metadata, pod.pod.metadata];
  return (
    before.deletionTimestamp === after.deletionTimestamp &&
    isSameJson(before.labels, after.labels) &&
    isSameJson(old.pod.spec.affinity, pod.pod.spec.affinity)
  );
}

function isSamePlace(before: Node, node: Node): boolean {
  return (
    isSameJson(before.metadata.labels, node.metadata.labels) &&
    isSameJson(before.spec.taints, node.spec.taints)
  );
}

function isSameSizes(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): boolean {
  if (before.size !== after.size) return false;
  for (const [name, size] of before) if (after.get(name) !== size) return false;
  return true;
}

/** Different orders of keys count as different: only work is lost by that. */
function isSameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
