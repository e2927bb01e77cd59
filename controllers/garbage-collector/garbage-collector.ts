/**
 * Deletes objects whose owners are gone, holds owners that are deleted in the foreground until their
 * dependents are gone, and frees the dependents of orphaning ones; over everything that is served. What
 * is served is asked once: kinds that come later are seen after a restart.
 *
 * Source: kubernetes pkg/controller/garbagecollector/garbagecollector.go, v1.36.
 */

import { Informer } from '../../client/informer.ts';
import type { OwnerReference } from '../../proto/api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { groupResource, type Resource } from '../../proto/api/resource.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type Runnable } from '../controller.ts';
import type { Discovery } from '../discovery.ts';
import { decideGarbage, type OwnerState } from './garbage-decision.ts';
import {
  FOREGROUND_FINALIZER,
  type GraphNode,
  type Identity,
  ORPHAN_FINALIZER,
  OwnershipGraph,
} from './graph.ts';

/** As upstream's `--concurrent-gc-syncs`. */
const WORKERS = 20;
/** Nobody owns events, and there are many. */
const IGNORED = new Set(['events', 'events.events.k8s.io']);
/** Until the API server answers. */
const DISCOVERY_RETRY_MS = 500;

export function newGarbageCollector(context: ControllerContext, discovery: Discovery): Runnable {
  return {
    name: 'garbage-collector',
    run: (signal) => new GarbageCollector(context, discovery).run(signal),
  };
}

class GarbageCollector {
  readonly #context: ControllerContext;
  readonly #discovery: Discovery;
  readonly #synced = Promise.withResolvers<void>();
  readonly #controller: Controller;
  readonly #graph: OwnershipGraph;

  constructor(context: ControllerContext, discovery: Discovery) {
    this.#context = context;
    this.#discovery = discovery;
    this.#controller = new Controller({
      name: 'garbage-collector',
      clock: context.clock,
      logger: context.logger,
      workers: WORKERS,
      synced: [this.#synced.promise],
      reconcile: async (uid, signal) => {
        await this.#reconcile(uid, signal);
        return undefined;
      },
    });
    this.#graph = new OwnershipGraph((uid) => this.#controller.enqueue(uid));
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = await this.#informers(signal);
    const informing = informers.map((informer) => informer.run(signal));
    Promise.all(informers.map(({ hasSynced }) => hasSynced)).then(
      () => this.#synced.resolve(),
      (error: unknown) => this.#synced.reject(error),
    );
    await Promise.all([...informing, this.#controller.run(signal)]);
  }

  async #informers(signal: AbortSignal): Promise<Informer<KubernetesObject>[]> {
    const { clock, logger } = this.#context;
    while (!signal.aborted) {
      try {
        const served = await this.#discovery.resources(signal);
        return served
          .filter(({ verbs }) => ['list', 'watch', 'delete'].every((verb) => verbs.has(verb)))
          .map(({ resource }) => resource)
          .filter((resource) => !IGNORED.has(groupResource(resource)))
          .map((resource) => this.#informer(resource));
      } catch (error) {
        if (signal.aborted) break;
        logger.debug('Could not discover what is served', { error });
        await clock.after(DISCOVERY_RETRY_MS, signal);
      }
    }
    return [];
  }

  #informer(resource: Resource): Informer<KubernetesObject> {
    const typed = resource as Resource<KubernetesObject>;
    const informer = new Informer(this.#context, typed, { metadataOnly: true });
    const observe = (object: KubernetesObject): void => {
      // Metadata alone comes as PartialObjectMetadata.
      const { kind } = resource;
      const apiVersion =
        resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
      this.#graph.observe(resource, { apiVersion, kind, metadata: object.metadata });
    };
    informer.addHandler({
      onAdd: observe,
      onUpdate: (_, object) => observe(object),
      onDelete: ({ metadata }) => this.#graph.remove(metadata.uid),
    });
    return informer;
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    if (node.isOrphaning) return this.#orphan(node, signal);
    if (node.isBeingDeleted && !node.isDeletingDependents) return undefined;
    const isOnItsOwn = !node.isVirtual && node.owners.length === 0;
    if (isOnItsOwn && !node.isDeletingDependents) return undefined;
    if (node.isVirtual && (await this.#isUnresolvable(node.identity, signal))) return undefined;
    const found = await this.#fetch(node.identity, signal);
    if (found === undefined) {
      this.#graph.remove(uid);
      return undefined;
    }
    if (node.isDeletingDependents) return this.#release(node, found, signal);
    return this.#collect(node, found, signal);
  }

  /** Deletes an object whose owners are all gone (or waiting), or forgets those that are. */
  async #collect(node: GraphNode, found: Found, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const { resource, object } = found;
    const { metadata } = object;
    const states = new Map<string, OwnerState>();
    for (const owner of metadata.ownerReferences ?? []) {
      states.set(owner.uid, await this.#stateOf(owner, node.identity.namespace, signal));
    }
    const stateOf = ({ uid }: OwnerReference): OwnerState => states.get(uid) ?? 'there';
    const decision = decideGarbage(metadata, stateOf, node.dependents.size > 0);
    const { uid, resourceVersion } = metadata;
    switch (decision.kind) {
      case 'keep':
        return;
      case 'forget':
        await this.#patch(found, { ownerReferences: decision.owners }, signal);
        return;
      case 'delete': {
        const options = {
          preconditions: { uid, resourceVersion },
          propagationPolicy: decision.policy,
        };
        await client
          .delete(resource, targetOf(node.identity, resource), options, signal)
          .catch(ignoreNotFound);
      }
    }
  }

  /** Lets an owner go when nothing that blocks it is left; else sees to it that it goes. */
  async #release(node: GraphNode, found: Found, signal: AbortSignal): Promise<void> {
    const blocking = this.#graph.blockingDependents(node.identity.uid);
    if (blocking.length === 0) {
      await this.#removeFinalizer(found, FOREGROUND_FINALIZER, signal);
      return;
    }
    for (const { identity, isDeletingDependents } of blocking) {
      if (!isDeletingDependents) this.#controller.enqueue(identity.uid);
    }
  }

  /** The dependents forget their owner, and then it may go. */
  async #orphan(node: GraphNode, signal: AbortSignal): Promise<void> {
    const { uid } = node.identity;
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const found = await this.#fetch(dependent.identity, signal);
      const owners = found?.object.metadata.ownerReferences ?? [];
      if (found === undefined || !owners.some((owner) => owner.uid === uid)) continue;
      const ownerReferences = owners.filter((owner) => owner.uid !== uid);
      await this.#patch(found, { ownerReferences }, signal);
    }
    const found = await this.#fetch(node.identity, signal);
    if (found !== undefined) await this.#removeFinalizer(found, ORPHAN_FINALIZER, signal);
  }

  async #stateOf(
    owner: OwnerReference,
    namespace: string,
    signal: AbortSignal,
  ): Promise<OwnerState> {
    const node = this.#graph.get(owner.uid);
    if (node !== undefined && !node.isVirtual) {
      const home = node.identity.namespace;
      if (home !== '' && home !== namespace) return 'absent';
      return node.isDeletingDependents ? 'waiting' : 'there';
    }
    const { apiVersion, kind, name, uid } = owner;
    const identity = { apiVersion, kind, name, uid, namespace };
    if (await this.#isUnresolvable(identity, signal)) return 'there';
    const found = await this.#fetch(identity, signal);
    if (found === undefined) return 'absent';
    const { deletionTimestamp, finalizers = [] } = found.object.metadata;
    const isWaiting = deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER);
    return isWaiting ? 'waiting' : 'there';
  }

  /** A cluster-scoped object can't say which namespace its owner is in: nobody can look for it. */
  async #isUnresolvable(owner: Identity, signal: AbortSignal): Promise<boolean> {
    if (owner.namespace !== '') return false;
    const resource = await this.#discovery.find(owner.apiVersion, owner.kind, signal);
    return resource?.namespaced === true;
  }

  /** The object of this uid, as the API server has it now. */
  async #fetch(identity: Identity, signal: AbortSignal): Promise<Found | undefined> {
    const { apiVersion, kind } = identity;
    const resource = identity.resource ?? (await this.#discovery.find(apiVersion, kind, signal));
    if (resource === undefined) throw new Error(`Kind ${kind} of ${apiVersion} isn't served`);
    const typed = resource as Resource<KubernetesObject>;
    try {
      const object = await this.#context.client.get(typed, targetOf(identity, resource), signal);
      return object.metadata.uid === identity.uid ? { resource: typed, object } : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #removeFinalizer(found: Found, finalizer: string, signal: AbortSignal): Promise<void> {
    const { finalizers = [] } = found.object.metadata;
    if (!finalizers.includes(finalizer)) return;
    await this.#patch(found, { finalizers: finalizers.filter((one) => one !== finalizer) }, signal);
  }

  /** With what was read as the precondition. */
  async #patch({ resource, object }: Found, change: object, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const target = namespace === undefined ? { name } : { namespace, name };
    const patch = { metadata: { uid, resourceVersion, ...change } };
    await this.#context.client
      .patch(resource, target, 'merge', patch, {}, signal)
      .catch(ignoreNotFound);
  }
}

interface Found {
  readonly resource: Resource<KubernetesObject>;
  readonly object: KubernetesObject;
}

function targetOf({ namespace, name }: Identity, resource: Resource) {
  return resource.namespaced ? { namespace, name } : { name };
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
