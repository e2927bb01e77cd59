/**
 * Rolls Deployments out: hears what changes, and reconciles.
 *
 * Source: kubernetes pkg/controller/deployment/deployment_controller.go, v1.36.
 */

import type { ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import { matchesLabels, requirementsOf } from '../../proto/api/label-selector.ts';
import { controllerOf, keyOf } from '../../proto/api/meta.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type Runnable } from '../controller.ts';
import { DeploymentReconciler } from './deployment-reconciler.ts';

export function newDeploymentController(context: ControllerContext): Runnable {
  const { deployments, replicaSets, pods } = context.informers;
  const reconciler = new DeploymentReconciler(context);
  const controller = new Controller({
    name: 'deployment',
    clock: context.clock,
    logger: context.logger,
    synced: [deployments.hasSynced, replicaSets.hasSynced, pods.hasSynced],
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
  });
  deployments.addHandler({
    onAdd: (deployment) => controller.enqueue(keyOf(deployment)),
    onUpdate: (_, deployment) => controller.enqueue(keyOf(deployment)),
    onDelete: (deployment) => controller.enqueue(keyOf(deployment)),
  });
  const changed = (set: ReplicaSet): void => {
    const namespace = set.metadata.namespace ?? '';
    const owner = controllerOf(set);
    if (owner?.kind === 'Deployment') controller.enqueue(`${namespace}/${owner.name}`);
    if (owner !== undefined) return;
    for (const deployment of deployments.byIndex('namespace', namespace)) {
      const selector = requirementsOf(deployment.spec.selector);
      if (matchesLabels(selector, set.metadata.labels)) controller.enqueue(keyOf(deployment));
    }
  };
  replicaSets.addHandler({
    onAdd: changed,
    onUpdate: (old, set) => {
      if (controllerOf(old)?.uid !== controllerOf(set)?.uid) changed(old);
      changed(set);
    },
    onDelete: changed,
  });
  // Recreate waits for the old pods to be gone.
  pods.addHandler({
    onDelete: (pod) => {
      const owner = controllerOf(pod);
      const set = replicaSets.get(`${pod.metadata.namespace ?? ''}/${owner?.name ?? ''}`);
      if (set !== undefined && set.metadata.uid === owner?.uid) changed(set);
    },
  });
  return controller;
}
