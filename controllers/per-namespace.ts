/** A controller that keeps one object of a fixed name in every namespace that isn't going. */

import type { Informer } from '../client/informer.ts';
import type { KubernetesObject } from '../proto/api/meta.ts';
import { isAlreadyExists, isNotFound } from '../proto/api/status-error.ts';
import type { ControllerContext } from './context.ts';
import { Controller, type Runnable } from './controller.ts';
import { isNamespaceTerminating } from './namespace/namespace-terminating.ts';

export interface PerNamespaceOptions<T extends KubernetesObject> {
  readonly name: string;
  readonly informer: Informer<T>;
  readonly objectName: string;
  /** Makes the object, or brings it up to date. */
  readonly reconcile: (
    namespace: string,
    existing: T | undefined,
    signal: AbortSignal,
  ) => Promise<void>;
}

export function newPerNamespaceController<T extends KubernetesObject>(
  context: ControllerContext,
  options: PerNamespaceOptions<T>,
): Runnable {
  const { namespaces } = context.informers;
  const { informer, objectName } = options;
  const controller = new Controller({
    name: options.name,
    clock: context.clock,
    logger: context.logger,
    synced: [namespaces.hasSynced, informer.hasSynced],
    reconcile: async (namespace, signal) => {
      const metadata = namespaces.get(namespace)?.metadata;
      if (metadata === undefined || metadata.deletionTimestamp !== undefined) return undefined;
      try {
        await options.reconcile(namespace, informer.get(`${namespace}/${objectName}`), signal);
      } catch (error) {
        // Made by somebody else just now, or the namespace is going: the watch tells.
        if (!isOvertaken(error)) throw error;
      }
      return undefined;
    },
  });
  const ofNamespace = ({ metadata }: KubernetesObject): void => controller.enqueue(metadata.name);
  namespaces.addHandler({ onAdd: ofNamespace, onUpdate: (_, namespace) => ofNamespace(namespace) });
  const ofObject = ({ metadata }: KubernetesObject): void => {
    if (metadata.name === objectName) controller.enqueue(metadata.namespace ?? '');
  };
  informer.addHandler({ onUpdate: (_, object) => ofObject(object), onDelete: ofObject });
  return controller;
}

function isOvertaken(error: unknown): boolean {
  return isAlreadyExists(error) || isNotFound(error) || isNamespaceTerminating(error);
}
