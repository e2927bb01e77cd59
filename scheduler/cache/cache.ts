/**
 * What the scheduler knows of nodes and of the pods on them, ahead of the API: a pod that was given
 * a node counts at once ("assumed"), until the watch confirms it or binding fails. Pods of unknown
 * nodes are kept for when the node comes.
 *
 * Source: kubernetes pkg/scheduler/backend/cache/cache.go, v0.36.
 */

import assert from 'node:assert';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { addPodToNode, type NodeInfo, newNodeInfo, removePodFromNode } from './node-info.ts';
import { NodeTree } from './node-tree.ts';
import { newPodInfo, type PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

interface PodPlace {
  readonly nodeName: string;
  readonly isAssumed: boolean;
}

/** Changed by informers and by the scheduling loop, both on the one thread. */
export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #tree = new NodeTree();
  /** Pods whose node isn't known, by node and uid. */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly #places = new Map<string, PodPlace>();
  #snapshot: Snapshot | undefined;
  #order: readonly string[] = [];
  readonly #dirty = new Set<string>();

  setNode(node: Node): void {
    const { name } = node.metadata;
    const pods = this.#nodes.get(name)?.pods ?? this.#homeless.get(name);
    this.#homeless.delete(name);
    this.#nodes.set(name, newNodeInfo(node, pods === undefined ? undefined : { pods }));
    this.#tree.set(node);
    this.#dirty.add(name);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    if (info.pods.size > 0) this.#homeless.set(name, new Map(info.pods));
    this.#nodes.delete(name);
    this.#tree.delete(name);
    this.#dirty.add(name);
  }

  /** The node as it is known now, with assumed pods. */
  getNode(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** A pod that the API says is on a node: new, changed, or the confirmation of an assumed one. */
  setPod(pod: Pod): void {
    const nodeName = pod.spec.nodeName ?? '';
    assert(nodeName !== '', 'A pod without a node is no business of the cache');
    this.#place(newPodInfo(pod), { nodeName, isAssumed: false });
  }

  removePod(uid: string): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    this.#places.delete(uid);
    this.#change(place.nodeName, (info) => removePodFromNode(info, uid));
    const homeless = this.#homeless.get(place.nodeName);
    homeless?.delete(uid);
    if (homeless?.size === 0) this.#homeless.delete(place.nodeName);
  }

  /** Counts a pod on a node before the API says so. */
  assumePod(pod: PodInfo, nodeName: string): void {
    const { uid } = pod.pod.metadata;
    assert(!this.#places.has(uid), `Pod ${uid} is on a node already`);
    this.#place(pod, { nodeName, isAssumed: true });
  }

  /** Takes an assumption back; nothing happens when the API has confirmed it. */
  forgetPod(uid: string): void {
    if (this.isAssumed(uid)) this.removePod(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#places.get(uid)?.isAssumed === true;
  }

  /** Whether the pod counts on a node, assumed or not. */
  hasPod(uid: string): boolean {
    return this.#places.has(uid);
  }

  /** The state of now. Costs what changed since the last one, and the copy of the list. */
  snapshot(): Snapshot {
    const order = this.#tree.order();
    const last = this.#snapshot;
    if (last !== undefined && this.#dirty.size === 0 && order === this.#order) return last;
    this.#order = order;
    const nodes: NodeInfo[] = [];
    for (const name of order) {
      const info = this.#nodes.get(name);
      if (info !== undefined) nodes.push(info);
    }
    const byName = new Map(last?.byName);
    for (const name of this.#dirty) {
      const info = this.#nodes.get(name);
      if (info === undefined) byName.delete(name);
      else byName.set(name, info);
    }
    this.#dirty.clear();
    this.#snapshot = { nodes, byName };
    return this.#snapshot;
  }

  #place(pod: PodInfo, place: PodPlace): void {
    const { uid } = pod.pod.metadata;
    if (this.#places.has(uid)) this.removePod(uid);
    this.#places.set(uid, place);
    if (this.#nodes.has(place.nodeName)) {
      this.#change(place.nodeName, (info) => addPodToNode(info, pod));
      return;
    }
    const homeless = this.#homeless.get(place.nodeName) ?? new Map<string, PodInfo>();
    this.#homeless.set(place.nodeName, homeless.set(uid, pod));
  }

  #change(nodeName: string, change: (info: NodeInfo) => NodeInfo): void {
    const info = this.#nodes.get(nodeName);
    if (info === undefined) return;
    this.#nodes.set(nodeName, change(info));
    this.#dirty.add(nodeName);
  }
}
