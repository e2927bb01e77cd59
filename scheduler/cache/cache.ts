/**
 * What the scheduler knows of nodes and of the pods on them, ahead of the API: a pod that was given
 * a node counts at once ("assumed"), until the watch confirms it or binding fails. Pods of unknown
 * nodes are kept for when the node comes.
 *
 * Source: kubernetes pkg/scheduler/backend/cache/cache.go, v0.36.
 */

import assert from 'node:assert';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { NodeSet } from './node-set.ts';
import { NodeTree } from './node-tree.ts';
import { newPodInfo, type PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

interface PodPlace {
  readonly nodeName: string;
  readonly isAssumed: boolean;
}

/** What the snapshot has not seen yet. */
type Change =
  | { readonly kind: 'set-node'; readonly node: Node }
  | { readonly kind: 'remove-node'; readonly name: string }
  | { readonly kind: 'set-pod'; readonly pod: PodInfo; readonly nodeName: string }
  | { readonly kind: 'remove-pod'; readonly uid: string; readonly nodeName: string };

/**
 * Changes kept for the next snapshot. When nobody takes one for that long (no pod waits, while nodes
 * report and pods end), they are brought in without being asked for: no cycle is under way then.
 */
const PENDING_MAX = 16_384;

/** Changed by informers and by the scheduling loop, both on the one thread. */
export class SchedulerCache {
  readonly #tree = new NodeTree();
  readonly #places = new Map<string, PodPlace>();
  readonly #set = new NodeSet();
  #pending: Change[] = [];
  #order: readonly string[] = [];

  setNode(node: Node): void {
    this.#tree.set(node);
    this.#change({ kind: 'set-node', node });
  }

  removeNode(name: string): void {
    this.#tree.delete(name);
    this.#change({ kind: 'remove-node', name });
  }

  /** A pod that the API says is on a node: new, changed, or the confirmation of an assumed one. */
  setPod(pod: Pod): void {
    const nodeName = pod.spec.nodeName ?? '';
    assert(nodeName !== '', 'A pod without a node is no business of the cache');
    const { uid } = pod.metadata;
    const place = this.#places.get(uid);
    if (place !== undefined && place.nodeName !== nodeName) this.removePod(uid);
    if (place?.nodeName !== nodeName || place.isAssumed) {
      this.#places.set(uid, { nodeName, isAssumed: false });
    }
    this.#change({ kind: 'set-pod', pod: newPodInfo(pod), nodeName });
  }

  removePod(uid: string): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    this.#places.delete(uid);
    this.#change({ kind: 'remove-pod', uid, nodeName: place.nodeName });
  }

  /** Counts a pod on a node before the API says so. */
  assumePod(pod: PodInfo, nodeName: string): void {
    const { uid } = pod.pod.metadata;
    assert(!this.#places.has(uid), `Pod ${uid} is on a node already`);
    this.#places.set(uid, { nodeName, isAssumed: true });
    this.#change({ kind: 'set-pod', pod, nodeName });
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

  /**
   * The state of now, at the cost of what changed since the last one. It is the same snapshot each
   * time, brought up to date: the one taken before says what this one says.
   */
  snapshot(): Snapshot {
    this.#bringIn();
    return this.#set;
  }

  #change(change: Change): void {
    this.#pending.push(change);
    if (this.#pending.length >= PENDING_MAX) this.#bringIn();
  }

  #bringIn(): void {
    const changes = this.#pending;
    if (changes.length > 0) this.#pending = [];
    for (const change of changes) apply(this.#set, change);
    const order = this.#tree.order();
    if (order !== this.#order) this.#set.setOrder(order);
    this.#order = order;
  }
}

function apply(set: NodeSet, change: Change): void {
  switch (change.kind) {
    case 'set-node':
      set.setNode(change.node);
      break;
    case 'remove-node':
      set.removeNode(change.name);
      break;
    case 'set-pod':
      set.setPod(change.pod, change.nodeName);
      break;
    case 'remove-pod':
      set.removePod(change.uid, change.nodeName);
      break;
  }
}
