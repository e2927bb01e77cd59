/**
 * Deletes pods whose node is gone, pods that are being deleted and never had a node, and the oldest of
 * too many that have ended.
 *
 * Source: kubernetes pkg/controller/podgc/gc_controller.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { nodes, pods } from '../../proto/api/gen/resources.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import { isPodOver } from '../pod-state.ts';
import { garbageReason, TERMINATED_PODS_MAX, terminatedSurplus } from './garbage-pods.ts';

/** A node that has vanished may be back: so long its pods are left. As upstream. */
const QUARANTINE_MS = 40_000;

export function newPodGarbageCollector(context: ControllerContext): Runnable {
  const { pods: podInformer, nodes: nodeInformer } = context.informers;
  /** Since when a node is missed that pods name. */
  const missedSince = new Map<string, number>();
  const controller = new Controller({
    name: 'pod-garbage-collector',
    clock: context.clock,
    logger: context.logger,
    synced: [podInformer.hasSynced, nodeInformer.hasSynced],
    reconcile: async (key, signal) => reconcile(context, missedSince, key, signal),
  });
  const changed = (pod: Pod): void => {
    const nodeName = pod.spec.nodeName ?? '';
    const isOrphan = nodeName !== '' && nodeInformer.get(nodeName) === undefined;
    const isStuck = nodeName === '' && pod.metadata.deletionTimestamp !== undefined;
    if (isOrphan || isStuck) controller.enqueue(keyOf(pod));
    // Only a pod that has just ended can be one too many.
    if (!isPodOver(pod) || podInformer.size <= TERMINATED_PODS_MAX) return;
    const surplus = terminatedSurplus(podInformer.list(), TERMINATED_PODS_MAX);
    for (const each of surplus) controller.enqueue(keyOf(each));
  };
  podInformer.addHandler({ onAdd: changed, onUpdate: (_, pod) => changed(pod) });
  nodeInformer.addHandler({
    onAdd: ({ metadata }) => missedSince.delete(metadata.name),
    onDelete: ({ metadata }) => {
      for (const pod of podInformer.byIndex('node', metadata.name)) controller.enqueue(keyOf(pod));
    },
  });
  return controller;
}

async function reconcile(
  context: ControllerContext,
  missedSince: Map<string, number>,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { client, clock, informers, logger } = context;
  const pod = informers.pods.get(key);
  if (pod === undefined) return undefined;
  const nodeName = pod.spec.nodeName ?? '';
  let isGone = false;
  if (nodeName !== '' && informers.nodes.get(nodeName) === undefined) {
    const nowMs = clock.monotonicMs();
    const sinceMs = missedSince.get(nodeName) ?? nowMs;
    missedSince.set(nodeName, sinceMs);
    const leftMs = sinceMs + QUARANTINE_MS - nowMs;
    if (leftMs > 0) return { againAfterMs: leftMs };
    isGone = await isNodeGone(context, nodeName, signal);
  }
  const surplus = isPodOver(pod) && informers.pods.size > TERMINATED_PODS_MAX;
  const reason =
    garbageReason(pod, () => isGone) ?? (surplus ? 'terminated over the threshold' : undefined);
  if (reason === undefined) return undefined;
  const { namespace = '', name, uid } = pod.metadata;
  logger.info('Deleted pod that nobody else would', { pod: key, reason });
  const options = { gracePeriodSeconds: 0, preconditions: { uid } };
  try {
    await client.delete(pods, { namespace, name }, options, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}

/** The cache may be behind: the API server knows. */
async function isNodeGone(
  { client }: ControllerContext,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.get(nodes, { name }, signal);
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
