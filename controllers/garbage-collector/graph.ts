/**
 * Who owns whom, by uid: the objects that were seen and the owners that they name. An owner that is
 * named but wasn't seen is `virtual` until it is, or until the API server says that it isn't there.
 *
 * Source: kubernetes pkg/controller/garbagecollector/{graph,graph_builder}.go, v1.36.
 */

import type { ObjectMeta, OwnerReference } from '../../proto/api/gen/meta-v1.ts';
import type { Resource } from '../../proto/api/resource.ts';

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

/** An object, or what an owner reference says of one. */
export interface Identity {
  readonly uid: string;
  readonly name: string;
  /** "" for cluster-scoped objects; of virtual owners it is their dependent's. */
  readonly namespace: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Known of objects that were seen. */
  readonly resource?: Resource;
}

export interface GraphNode {
  readonly identity: Identity;
  readonly isVirtual: boolean;
  readonly owners: readonly OwnerReference[];
  readonly dependents: ReadonlySet<string>;
  readonly isBeingDeleted: boolean;
  /** It goes when its dependents are gone. */
  readonly isDeletingDependents: boolean;
  /** It goes when its dependents have forgotten it. */
  readonly isOrphaning: boolean;
}

export class OwnershipGraph {
  readonly #nodes = new Map<string, GraphNode>();
  /** Owner -> who names it, whether or not the owner is known. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #enqueue: (uid: string) => void;

  /** Calls back with every uid that something may have to be done about. */
  constructor(enqueue: (uid: string) => void) {
    this.#enqueue = enqueue;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** An object is there, as new or changed. */
  observe(
    resource: Resource,
    object: { apiVersion: string; kind: string; metadata: ObjectMeta },
  ): void {
    const { metadata } = object;
    const { uid, name, namespace = '', ownerReferences = [], finalizers = [] } = metadata;
    const { apiVersion, kind } = object;
    const old = this.#nodes.get(uid);
    const isBeingDeleted = metadata.deletionTimestamp !== undefined;
    const node: GraphNode = {
      identity: { uid, name, namespace, apiVersion, kind, resource },
      isVirtual: false,
      owners: ownerReferences,
      dependents: this.#dependentsOf(uid),
      isBeingDeleted,
      isDeletingDependents: isBeingDeleted && finalizers.includes(FOREGROUND_FINALIZER),
      isOrphaning: isBeingDeleted && finalizers.includes(ORPHAN_FINALIZER),
    };
    this.#nodes.set(uid, node);
    this.#relink(node, old?.owners ?? []);
    if (node.isOrphaning && old?.isOrphaning !== true) this.#enqueue(uid);
    if (node.isDeletingDependents && old?.isDeletingDependents !== true) {
      this.#enqueue(uid);
      for (const dependent of node.dependents) this.#enqueue(dependent);
    }
  }

  /** It isn't there any more: who depended on it, or was waited for by it, has to be looked at. */
  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const owner of node.owners) this.#unlink(owner.uid, uid);
    for (const dependent of node.dependents) this.#enqueue(dependent);
    if (node.dependents.size === 0) this.#dependents.delete(uid);
  }

  /** Those of its dependents that must be gone before it. */
  blockingDependents(uid: string): GraphNode[] {
    return this.dependentsOf(uid).filter(({ owners }) =>
      owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap(
      (dependent) => this.#nodes.get(dependent) ?? [],
    );
  }

  #relink(node: GraphNode, before: readonly OwnerReference[]): void {
    const { uid } = node.identity;
    const names = new Set(node.owners.map((owner) => owner.uid));
    for (const owner of before) {
      if (!names.has(owner.uid)) this.#unlink(owner.uid, uid);
      else if (owner.blockOwnerDeletion === true) this.#wakeDeleting(owner.uid);
    }
    for (const owner of node.owners) {
      this.#dependentsOf(owner.uid).add(uid);
      const known = this.#nodes.get(owner.uid);
      if (known === undefined) this.#addVirtual(owner, node);
      // It may name an owner in another namespace, which is none: only a look can tell.
      if (known?.isDeletingDependents === true || this.#isElsewhere(known, node)) {
        this.#enqueue(uid);
      }
    }
  }

  #isElsewhere(owner: GraphNode | undefined, node: GraphNode): boolean {
    const namespace = owner?.identity.namespace ?? '';
    return namespace !== '' && namespace !== node.identity.namespace;
  }

  #addVirtual(owner: OwnerReference, dependent: GraphNode): void {
    const { uid, name, apiVersion, kind } = owner;
    const { namespace } = dependent.identity;
    this.#nodes.set(uid, {
      identity: { uid, name, namespace, apiVersion, kind },
      isVirtual: true,
      owners: [],
      dependents: this.#dependentsOf(uid),
      isBeingDeleted: false,
      isDeletingDependents: false,
      isOrphaning: false,
    });
    this.#enqueue(uid);
  }

  #unlink(ownerUid: string, uid: string): void {
    const dependents = this.#dependents.get(ownerUid);
    dependents?.delete(uid);
    this.#wakeDeleting(ownerUid);
    if (dependents?.size !== 0) return;
    const owner = this.#nodes.get(ownerUid);
    // Nobody names it any more, and nobody has seen it.
    if (owner?.isVirtual === true) this.#nodes.delete(ownerUid);
    if (owner === undefined || owner.isVirtual) this.#dependents.delete(ownerUid);
  }

  /** The set that the owner's node shares, when there is one. */
  #dependentsOf(uid: string): Set<string> {
    const known = this.#dependents.get(uid) ?? new Set<string>();
    this.#dependents.set(uid, known);
    return known;
  }

  #wakeDeleting(uid: string): void {
    if (this.#nodes.get(uid)?.isDeletingDependents === true) this.#enqueue(uid);
  }
}
