/** A controller that looks at a Service whenever it, or a pod that it selects, changes. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { matchesLabels, requirementsOfMap } from '../../proto/api/label-selector.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { isAlreadyExists } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type Runnable } from '../controller.ts';
import { isNamespaceTerminating } from '../namespace/namespace-terminating.ts';
import { hasSelector } from './service-backends.ts';

export interface PerServiceOptions {
  readonly name: string;
  /** Of what it writes, besides services and pods. */
  readonly synced: readonly Promise<void>[];
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<void>;
}

export function newPerServiceController(
  context: ControllerContext,
  options: PerServiceOptions,
): Runnable {
  const { services, pods } = context.informers;
  const controller = new Controller({
    name: options.name,
    clock: context.clock,
    logger: context.logger,
    synced: [services.hasSynced, pods.hasSynced, ...options.synced],
    reconcile: async (key, signal) => {
      try {
        await options.reconcile(key, signal);
        return undefined;
      } catch (error) {
        if (isOvertaken(error)) return undefined;
        throw error;
      }
    },
  });
  services.addHandler({
    onAdd: (service) => controller.enqueue(keyOf(service)),
    onUpdate: (_, service) => controller.enqueue(keyOf(service)),
    onDelete: (service) => controller.enqueue(keyOf(service)),
  });
  const changed = (pod: Pod): void => {
    for (const service of services.byIndex('namespace', pod.metadata.namespace ?? '')) {
      if (!hasSelector(service)) continue;
      const requirements = requirementsOfMap(service.spec.selector ?? {});
      if (matchesLabels(requirements, pod.metadata.labels)) controller.enqueue(keyOf(service));
    }
  };
  pods.addHandler({
    onAdd: changed,
    onUpdate: (old, pod) => {
      if (!isSameBackend(old, pod)) changed(pod);
      if (JSON.stringify(old.metadata.labels) !== JSON.stringify(pod.metadata.labels)) changed(old);
    },
    onDelete: changed,
  });
  return controller;
}

/** Most updates of a pod are of no concern to its Services. */
function isSameBackend(old: Pod, pod: Pod): boolean {
  const relevant = ({ metadata, spec, status }: Pod): string =>
    JSON.stringify([
      metadata.labels,
      metadata.deletionTimestamp,
      spec.nodeName,
      status?.podIP,
      status?.phase,
      status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    ]);
  return relevant(old) === relevant(pod);
}

/** The cache is behind, or the namespace is going: the watch tells. */
function isOvertaken(error: unknown): boolean {
  return isAlreadyExists(error) || isNamespaceTerminating(error);
}
