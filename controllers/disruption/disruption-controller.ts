/**
 * Computes the status of every PodDisruptionBudget: how many of its pods may be evicted now. Evictions
 * take from that number, by compare-and-swap, and this controller counts again.
 *
 * Source: kubernetes pkg/controller/disruption/disruption.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { PodDisruptionBudget } from '../../proto/api/gen/policy-v1.ts';
import { poddisruptionbudgets } from '../../proto/api/gen/resources.ts';
import { matchesLabels, requirementsOf } from '../../proto/api/label-selector.ts';
import { controllerOf, keyOf } from '../../proto/api/meta.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import { disruptionStatus } from './disruption-status.ts';

export function newDisruptionController(context: ControllerContext): Runnable {
  const { clock, logger, informers } = context;
  const { pods, replicaSets, deployments, podDisruptionBudgets: budgets } = informers;
  const controller = new Controller({
    name: 'disruption',
    clock,
    logger,
    synced: [pods.hasSynced, replicaSets.hasSynced, deployments.hasSynced, budgets.hasSynced],
    reconcile: (key, signal) => reconcile(context, key, signal),
  });
  const all = (namespace = ''): void => {
    for (const budget of budgets.byIndex('namespace', namespace)) controller.enqueue(keyOf(budget));
  };
  const ofPod = (pod: Pod): void => {
    for (const budget of budgets.byIndex('namespace', pod.metadata.namespace ?? '')) {
      if (isSelected(budget, pod)) controller.enqueue(keyOf(budget));
    }
  };
  budgets.addHandler({
    onAdd: (budget) => controller.enqueue(keyOf(budget)),
    onUpdate: (_, budget) => controller.enqueue(keyOf(budget)),
    onDelete: () => undefined,
  });
  pods.addHandler({
    onAdd: ofPod,
    onUpdate: (old, pod) => {
      ofPod(old);
      ofPod(pod);
    },
    onDelete: ofPod,
  });
  // How many pods there are to be is told by their controllers.
  for (const informer of [replicaSets, deployments]) {
    informer.addHandler({
      onAdd: ({ metadata }) => all(metadata.namespace),
      onUpdate: (old, { metadata, spec }) => {
        if (old.spec.replicas !== spec.replicas) all(metadata.namespace);
      },
      onDelete: ({ metadata }) => all(metadata.namespace),
    });
  }
  return controller;
}

async function reconcile(
  context: ControllerContext,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { client, clock, informers } = context;
  const budget = informers.podDisruptionBudgets.get(key);
  if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return undefined;
  const { namespace = '' } = budget.metadata;
  const pods = informers.pods
    .byIndex('namespace', namespace)
    .filter((pod) => isSelected(budget, pod));
  const { status, againAfterMs } = disruptionStatus({
    budget,
    pods,
    expectedScale: expectedScale(context, namespace, pods),
    nowMs: clock.wallMs(),
  });
  if (!isDeepStrictEqual(withoutEmpty(budget.status), withoutEmpty(status))) {
    await client.update(
      poddisruptionbudgets,
      { ...budget, status },
      { subresource: 'status' },
      signal,
    );
  }
  return againAfterMs === undefined ? undefined : { againAfterMs };
}

function isSelected({ spec }: PodDisruptionBudget, pod: Pod): boolean {
  return matchesLabels(requirementsOf(spec?.selector), pod.metadata.labels);
}

/** The replicas of the pods' controllers, each counted once; a deployment speaks for its sets. */
function expectedScale(
  { informers }: ControllerContext,
  namespace: string,
  pods: readonly Pod[],
): number {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') continue;
    const set = informers.replicaSets.get(`${namespace}/${owner.name}`);
    if (set?.metadata.uid !== owner.uid) continue;
    const above = controllerOf(set);
    const deployment =
      above?.kind === 'Deployment'
        ? informers.deployments.get(`${namespace}/${above.name}`)
        : undefined;
    const speaker = deployment?.metadata.uid === above?.uid ? (deployment ?? set) : set;
    scales.set(speaker.metadata.uid, speaker.spec.replicas ?? 1);
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

/** An absent field and an empty one are the same to readers. */
function withoutEmpty(status: PodDisruptionBudget['status'] | undefined): unknown {
  return JSON.parse(JSON.stringify({ disruptedPods: {}, conditions: [], ...status }));
}
