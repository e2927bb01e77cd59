/**
 * Tells the threads of policies what happens in the cluster: everything that is there first, then each
 * change. Big news is cut into pieces, so that the scheduler's own thread stays responsive.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Informer, InformerHandler } from '../../client/informer.ts';
import type { ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import type { Namespace, Node, Pod, Service } from '../../proto/api/gen/core-v1.ts';
import { type KubernetesObject, keyOf } from '../../proto/api/meta.ts';
import type { ClusterChange } from './worker/messages.ts';

type Source<T extends KubernetesObject> = Pick<Informer<T>, 'addHandler' | 'list'>;

export interface FeedSources {
  readonly pods: Source<Pod>;
  readonly nodes: Source<Node>;
  readonly namespaces: Source<Namespace>;
  readonly services: Source<Service>;
  readonly replicaSets: Source<ReplicaSet>;
}

/** Changes in one message: cloning them takes about 10 ms. */
const PIECE_MAX = 256;

/** One per scheduler. */
export class ClusterFeed {
  readonly #sources: FeedSources;
  /** Pods with a node that the API doesn't know of yet, by uid. */
  readonly #assumed = new Map<string, Pod>();
  readonly #subscriptions = new Set<FeedSubscription>();

  constructor(sources: FeedSources) {
    this.#sources = sources;
    sources.pods.addHandler({
      onAdd: (pod) => this.#onPod(pod),
      onUpdate: (old, pod) => {
        if (!samePod(old, pod)) this.#onPod(pod);
      },
      onDelete: (pod) => this.#removePod(pod.metadata.uid),
    });
    sources.nodes.addHandler({
      onAdd: (node) => this.#tell({ kind: 'setNode', node: lean(node) }),
      onUpdate: (old, node) => {
        if (!sameNode(old, node)) this.#tell({ kind: 'setNode', node: lean(node) });
      },
      onDelete: ({ metadata }) => this.#tell({ kind: 'removeNode', name: metadata.name }),
    });
    sources.namespaces.addHandler({
      ...this.#whole((namespace) => namespaceChange(namespace)),
      onDelete: ({ metadata }) => this.#tell({ kind: 'removeNamespace', name: metadata.name }),
    });
    sources.services.addHandler({
      ...this.#whole((service) => serviceChange(service)),
      onDelete: (service) => this.#tell({ kind: 'removeService', key: keyOf(service) }),
    });
    sources.replicaSets.addHandler({
      ...this.#whole((set) => replicaSetChange(set)),
      onDelete: (set) => this.#tell({ kind: 'removeReplicaSet', key: keyOf(set) }),
    });
  }

  /** The scheduler has given the pod a node. */
  assume(pod: Pod): void {
    this.#assumed.set(pod.metadata.uid, pod);
    this.#tell({ kind: 'setPod', pod: lean(pod) });
  }

  /** It has taken that back. */
  forget(uid: string): void {
    if (this.#assumed.has(uid)) this.#removePod(uid);
  }

  /** `send` hears everything from now on, as often as `flush` is called. Close it in the end. */
  subscribe(send: (changes: readonly ClusterChange[]) => void): FeedSubscription {
    const { pods, nodes, namespaces, services, replicaSets } = this.#sources;
    const changes: ClusterChange[] = [
      ...namespaces.list().map(namespaceChange),
      ...services.list().map(serviceChange),
      ...replicaSets.list().map(replicaSetChange),
      ...nodes.list().map((node): ClusterChange => ({ kind: 'setNode', node: lean(node) })),
    ];
    const placed = pods.list().filter(isPlaced);
    for (const pod of [...placed, ...this.#assumed.values()]) {
      changes.push({ kind: 'setPod', pod: lean(pod) });
    }
    const close = (): void => void this.#subscriptions.delete(subscription);
    const subscription = new FeedSubscription(send, changes, close);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  #whole<T>(changeOf: (object: T) => ClusterChange): InformerHandler<T> {
    return {
      onAdd: (object) => this.#tell(changeOf(object)),
      onUpdate: (_old, object) => this.#tell(changeOf(object)),
    };
  }

  #onPod(pod: Pod): void {
    const { uid } = pod.metadata;
    if (!isPlaced(pod)) {
      // A pod that has ended takes nothing of its node any more.
      if (pod.spec.nodeName !== undefined) this.#removePod(uid);
      return;
    }
    this.#assumed.delete(uid);
    this.#tell({ kind: 'setPod', pod: lean(pod) });
  }

  #removePod(uid: string): void {
    this.#assumed.delete(uid);
    this.#tell({ kind: 'removePod', uid });
  }

  #tell(change: ClusterChange): void {
    for (const subscription of this.#subscriptions) subscription.add(change);
  }
}

export class FeedSubscription {
  readonly close: () => void;
  readonly #send: (changes: readonly ClusterChange[]) => void;
  #waiting: ClusterChange[];
  #sent = 0;
  #flushing: Promise<void> | undefined;

  constructor(
    send: (changes: readonly ClusterChange[]) => void,
    first: ClusterChange[],
    close: () => void,
  ) {
    this.#send = send;
    this.#waiting = first;
    this.close = close;
  }

  add(change: ClusterChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length - this.#sent >= PIECE_MAX) void this.flush();
  }

  /** Resolves when all that has happened so far is sent. At once when it is little, as it mostly is. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#sent < this.#waiting.length) {
      const piece = this.#waiting.slice(this.#sent, this.#sent + PIECE_MAX);
      this.#sent += piece.length;
      this.#send(piece);
      if (this.#sent < this.#waiting.length) await nextTurn();
    }
    this.#waiting = [];
    this.#sent = 0;
  }
}

function isPlaced({ spec, status }: Pod): boolean {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return spec.nodeName !== undefined && spec.nodeName !== '' && !isOver;
}

/** Managed fields are the larger half of most objects, and matter to no scheduler. */
function lean<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function namespaceChange({ metadata }: Namespace): ClusterChange {
  return { kind: 'setNamespace', name: metadata.name, labels: metadata.labels ?? {} };
}

function serviceChange(service: Service): ClusterChange {
  return { kind: 'setService', key: keyOf(service), service: lean(service) };
}

function replicaSetChange(set: ReplicaSet): ClusterChange {
  return { kind: 'setReplicaSet', key: keyOf(set), replicaSet: lean(set) };
}

/** The agent's reports change much that no plugin reads. */
function samePod(old: Pod, pod: Pod): boolean {
  const read = ({ metadata, spec, status }: Pod): string =>
    JSON.stringify([
      metadata.labels,
      metadata.annotations,
      metadata.deletionTimestamp,
      spec,
      status?.phase === 'Succeeded' || status?.phase === 'Failed',
      status?.nominatedNodeName,
    ]);
  return read(old) === read(pod);
}

function sameNode(old: Node, node: Node): boolean {
  const read = ({ metadata, spec, status }: Node): string =>
    JSON.stringify([
      metadata.labels,
      metadata.annotations,
      spec,
      status?.allocatable,
      status?.capacity,
      status?.images,
    ]);
  return read(old) === read(node);
}
