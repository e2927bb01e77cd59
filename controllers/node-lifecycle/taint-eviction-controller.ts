/**
 * Deletes pods that don't tolerate the NoExecute taints of their node, when their time is over.
 *
 * Source: kubernetes pkg/controller/tainteviction/taint_eviction.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { formatTime } from '../../proto/api/time.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import { isPodOver } from '../pod-state.ts';
import { evictionOf } from './taint-eviction.ts';

export function newTaintEvictionController(context: ControllerContext): Runnable {
  const { nodes, pods: podInformer } = context.informers;
  const controller = new Controller({
    name: 'taint-eviction',
    clock: context.clock,
    logger: context.logger,
    synced: [nodes.hasSynced, podInformer.hasSynced],
    reconcile: (key, signal) => reconcile(context, key, signal),
  });
  const isTainted = (name: string): boolean =>
    nodes.get(name)?.spec?.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
  const changed = (pod: Pod): void => {
    if (isTainted(pod.spec.nodeName ?? '')) controller.enqueue(keyOf(pod));
  };
  const enqueueAll = (nodeName: string): void => {
    if (!isTainted(nodeName)) return;
    for (const pod of podInformer.byIndex('node', nodeName)) controller.enqueue(keyOf(pod));
  };
  podInformer.addHandler({ onAdd: changed, onUpdate: (_, pod) => changed(pod) });
  nodes.addHandler({
    onAdd: ({ metadata }) => enqueueAll(metadata.name),
    onUpdate: (_, { metadata }) => enqueueAll(metadata.name),
  });
  return controller;
}

async function reconcile(
  context: ControllerContext,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { client, clock, informers, recorderOf } = context;
  const pod = informers.pods.get(key);
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isPodOver(pod)) {
    return undefined;
  }
  const taints = informers.nodes.get(pod.spec.nodeName ?? '')?.spec?.taints ?? [];
  const eviction = evictionOf(pod, taints, clock.wallMs());
  if (eviction.kind === 'stays') return undefined;
  if (eviction.afterMs > 0) return { againAfterMs: eviction.afterMs };
  const { namespace = '', name, uid } = pod.metadata;
  const target = { namespace, name };
  const text = `Marking for deletion Pod ${key}`;
  recorderOf('taint-eviction-controller').record(pod, 'Normal', 'TaintManagerEviction', text);
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: formatTime(clock.wallMs()),
  };
  const patch = { metadata: { uid }, status: { conditions: [condition] } };
  try {
    await client.patch(pods, target, 'strategic', patch, { subresource: 'status' }, signal);
    await client.delete(pods, target, { preconditions: { uid } }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}
