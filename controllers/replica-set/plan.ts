/** How many pods a ReplicaSet must create, or which ones delete. */

import type { ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../proto/api/gen/core-v1.ts';
import type { Draft } from '../../proto/api/meta.ts';
import { controllerReference } from '../ownership.ts';
import { inDeletionOrder } from './deletion-order.ts';

/** Pods created or deleted in one reconciliation; as upstream's burst of replicas. */
const BURST_MAX = 500;

export type ReplicaPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create'; readonly count: number }
  | { readonly kind: 'delete'; readonly pods: readonly Pod[] };

/** `pods` are the active ones it owns; `related` those of all ReplicaSets of the same owner. */
export function planReplicas(
  set: ReplicaSet,
  pods: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): ReplicaPlan {
  const missing = (set.spec.replicas ?? 1) - pods.length;
  if (missing > 0) return { kind: 'create', count: Math.min(missing, BURST_MAX) };
  if (missing === 0) return { kind: 'none' };
  const onNode = new Map<string, number>();
  for (const { spec } of related) {
    const node = spec.nodeName ?? '';
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const crowding = (pod: Pod): number => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  const order = inDeletionOrder(pods, crowding, nowMs);
  return { kind: 'delete', pods: order.slice(0, Math.min(-missing, BURST_MAX)) };
}

/** A pod of the ReplicaSet's template. */
export function podFromTemplate(set: ReplicaSet): Draft<Pod> {
  const template: PodTemplateSpec = set.spec.template ?? {};
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(set)],
    },
    spec: template.spec ?? { containers: [] },
  };
}

/** Sizes of the batches of creations: 1, 2, 4, …: what fails for all should fail once. */
export function slowStartBatches(count: number): number[] {
  const batches: number[] = [];
  let left = count;
  for (let size = 1; left > 0; size *= 2) {
    batches.push(Math.min(size, left));
    left -= size;
  }
  return batches;
}
