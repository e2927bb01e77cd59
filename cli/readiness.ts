/**
 * Whether an object has become what it was applied for: the question of `skiff up -f` and of
 * `rollout status`. Pure.
 */

import type { Deployment, ReplicaSet } from '../proto/api/gen/apps-v1.ts';
import type { Namespace, Node, Pod } from '../proto/api/gen/core-v1.ts';
import type { KubernetesObject } from '../proto/api/meta.ts';

/** `waiting`: not yet; `failed`: it will not become ready without a change. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

const READY: Readiness = { kind: 'ready' };

/** Kinds without a state of their own are ready as soon as they exist. */
export function readinessOf(object: KubernetesObject): Readiness {
  switch (`${object.apiVersion}/${object.kind}`) {
    case 'v1/Pod':
      return podReadiness(object as Pod);
    case 'v1/Node':
      return conditionReadiness((object as Node).status.conditions, 'Ready');
    case 'v1/Namespace':
      return phaseReadiness((object as Namespace).status.phase, 'Active');
    case 'apps/v1/Deployment':
      return deploymentReadiness(object as Deployment);
    case 'apps/v1/ReplicaSet':
      return replicaSetReadiness(object as ReplicaSet);
    default:
      return READY;
  }
}

function podReadiness(pod: Pod): Readiness {
  const { phase, conditions } = pod.status;
  if (phase === 'Succeeded') return READY;
  if (phase === 'Failed')
    return { kind: 'failed', reason: pod.status.reason ?? 'the pod has failed' };
  const ready = conditionReadiness(conditions, 'Ready');
  if (ready.kind === 'ready') return ready;
  const waiting = (pod.status.containerStatuses ?? []).find((one) => one.state?.waiting);
  const scheduled = conditions?.find((condition) => condition.type === 'PodScheduled');
  const reason =
    waiting?.state?.waiting?.reason ??
    (scheduled?.status === 'False' ? scheduled.message : undefined) ??
    phase ??
    'Pending';
  return { kind: 'waiting', reason };
}

/** Source: kubectl pkg/polymorphichelpers/rollout_status.go, v0.36; texts as kubectl prints them. */
function deploymentReadiness(deployment: Deployment): Readiness {
  const { metadata, spec, status } = deployment;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return { kind: 'waiting', reason: 'Waiting for deployment spec update to be observed...' };
  }
  const progressing = status.conditions?.find((condition) => condition.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return {
      kind: 'failed',
      reason: `deployment "${metadata.name}" exceeded its progress deadline`,
    };
  }
  const wanted = spec.replicas ?? 1;
  const updated = status.updatedReplicas ?? 0;
  const available = status.availableReplicas ?? 0;
  const total = status.replicas ?? 0;
  const rollout = `Waiting for deployment "${metadata.name}" rollout to finish: `;
  if (updated < wanted) {
    const reason = `${rollout}${updated} out of ${wanted} new replicas have been updated...`;
    return { kind: 'waiting', reason };
  }
  if (total > updated) {
    const reason = `${rollout}${total - updated} old replicas are pending termination...`;
    return { kind: 'waiting', reason };
  }
  if (available < updated) {
    const reason = `${rollout}${available} of ${updated} updated replicas are available...`;
    return { kind: 'waiting', reason };
  }
  return READY;
}

function replicaSetReadiness(replicaSet: ReplicaSet): Readiness {
  const { metadata, spec, status } = replicaSet;
  const wanted = spec.replicas ?? 1;
  const isObserved = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const ready = status.readyReplicas ?? 0;
  if (isObserved && ready >= wanted) return READY;
  return { kind: 'waiting', reason: `${ready} of ${wanted} replicas are ready` };
}

function conditionReadiness(
  conditions:
    | readonly { readonly type: string; readonly status: string; readonly message?: string }[]
    | undefined,
  type: string,
): Readiness {
  const condition = conditions?.find((one) => one.type === type);
  if (condition?.status === 'True') return READY;
  return { kind: 'waiting', reason: condition?.message ?? `not ${type}` };
}

function phaseReadiness(phase: string | undefined, wanted: string): Readiness {
  return phase === wanted ? READY : { kind: 'waiting', reason: phase ?? 'no phase yet' };
}
