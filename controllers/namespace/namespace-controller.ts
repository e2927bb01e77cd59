/**
 * Empties namespaces that are being deleted, of everything that is served, and then lets them go.
 *
 * Source: kubernetes pkg/controller/namespace/deletion/namespaced_resources_deleter.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../../client/client.ts';
import type { Namespace, NamespaceCondition } from '../../proto/api/gen/core-v1.ts';
import { namespaces } from '../../proto/api/gen/resources.ts';
import { groupResource, type Resource, resourcePath } from '../../proto/api/resource.ts';
import { ApiError, isConflict, isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import type { Discovery } from '../discovery.ts';
import { type Leftovers, namespaceConditions } from './namespace-conditions.ts';

/** What is in the way of the namespace's deletion, until this controller takes it off. */
const FINALIZER = 'kubernetes';
/** Looked at again after this when something is left that no watch tells of. */
const AGAIN_MS = { initial: 100, max: 5_000 };

export function newNamespaceController(context: ControllerContext, discovery: Discovery): Runnable {
  const { namespaces: informer, pods } = context.informers;
  const deleter = new NamespaceDeleter(context, discovery);
  const controller = new Controller({
    name: 'namespace',
    clock: context.clock,
    logger: context.logger,
    synced: [informer.hasSynced, pods.hasSynced],
    reconcile: (name, signal) => deleter.reconcile(name, signal),
  });
  const changed = ({ metadata }: Namespace): void => {
    if (metadata.deletionTimestamp !== undefined) controller.enqueue(metadata.name);
  };
  informer.addHandler({ onAdd: changed, onUpdate: (_, namespace) => changed(namespace) });
  // Pods take their time; the last of them is what most namespaces wait for.
  pods.addHandler({
    onDelete: ({ metadata }) => {
      const namespace = informer.get(metadata.namespace ?? '');
      if (namespace !== undefined) changed(namespace);
    },
  });
  return controller;
}

class NamespaceDeleter {
  readonly #client: Client;
  readonly #context: ControllerContext;
  readonly #discovery: Discovery;
  /** How often each namespace was found not empty in a row. */
  readonly #tries = new Map<string, number>();

  constructor(context: ControllerContext, discovery: Discovery) {
    this.#client = context.client;
    this.#context = context;
    this.#discovery = discovery;
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const cached = this.#context.informers.namespaces.get(name);
    if (cached?.metadata.deletionTimestamp === undefined) {
      this.#tries.delete(name);
      return undefined;
    }
    const namespace = await this.#get(name, signal);
    if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
    if (!(namespace.spec.finalizers ?? []).includes(FINALIZER)) return undefined;
    const leftovers = await this.#empty(name, signal);
    const isEmpty = leftovers.counts.size === 0 && leftovers.failures.length === 0;
    if (!isEmpty) {
      await this.#writeConditions(namespace, leftovers, signal);
      const tries = this.#tries.get(name) ?? 0;
      this.#tries.set(name, tries + 1);
      return { againAfterMs: Math.min(AGAIN_MS.max, AGAIN_MS.initial * 2 ** tries) };
    }
    await this.#finalize(namespace, signal);
    this.#tries.delete(name);
    return undefined;
  }

  async #get(name: string, signal: AbortSignal): Promise<Namespace | undefined> {
    try {
      return await this.#client.get(namespaces, { name }, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Deletes everything and says what is left. */
  async #empty(namespace: string, signal: AbortSignal): Promise<Leftovers> {
    const served = await this.#discovery.resources(signal);
    const counts = new Map<string, number>();
    const finalizers = new Map<string, number>();
    const failures: string[] = [];
    const deletable = served.filter(
      ({ resource, verbs }) => resource.namespaced && verbs.has('delete') && verbs.has('list'),
    );
    await Promise.all(
      deletable.map(async ({ resource, verbs }) => {
        try {
          const left = await this.#emptyResource(resource, namespace, verbs, signal);
          if (left.length > 0) counts.set(groupResource(resource), left.length);
          for (const finalizer of left.flat()) {
            finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
          }
        } catch (error) {
          if (signal.aborted) throw error;
          failures.push(error instanceof Error ? error.message : String(error));
        }
      }),
    );
    return { counts, finalizers, failures };
  }

  /** The finalizers of each object that is left. */
  async #emptyResource(
    resource: Resource,
    namespace: string,
    verbs: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly (readonly string[])[]> {
    const options = { namespace, metadataOnly: true };
    const typed = resource as Resource<Namespace>;
    const before = await this.#client.list(typed, options, signal);
    if (before.items.length === 0) return [];
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
    if (verbs.has('deletecollection')) {
      const path = resourcePath(resource, { namespace });
      await this.#client.request('DELETE', path, body, {}, signal);
    } else {
      for (const { metadata } of before.items) {
        const target = { namespace, name: metadata.name };
        await this.#client.delete(resource, target, body, signal).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
    const after = await this.#client.list(typed, options, signal);
    return after.items.map(({ metadata }) => metadata.finalizers ?? []);
  }

  async #finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const { name } = namespace.metadata;
    const finalizers = (namespace.spec.finalizers ?? []).filter((one) => one !== FINALIZER);
    const finalized = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      const path = resourcePath(namespaces, { name, subresource: 'finalize' });
      await this.#client.request('PUT', path, finalized, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #writeConditions(
    namespace: Namespace,
    leftovers: Leftovers,
    signal: AbortSignal,
  ): Promise<void> {
    const old: readonly NamespaceCondition[] = namespace.status?.conditions ?? [];
    const conditions = namespaceConditions(old, leftovers, this.#context.clock.wallMs());
    if (isDeepStrictEqual(conditions, old)) return;
    const { name } = namespace.metadata;
    const patch = { status: { conditions } };
    try {
      const options = { subresource: 'status' };
      await this.#client.patch(namespaces, { name }, 'merge', patch, options, signal);
    } catch (error) {
      // They only inform; the deletion goes on without.
      if (!(error instanceof ApiError) || !(isNotFound(error) || isConflict(error))) throw error;
    }
  }
}
