/**
 * A Deployment's ReplicaSets: which one has its template, and the revisions kept in their annotations.
 *
 * Source: kubernetes pkg/controller/deployment/util/deployment_util.go, v1.36.
 */

import type { Deployment, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { isSameTemplate } from './template-hash.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Not copied from the Deployment to its ReplicaSets. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

export interface ReplicaSets {
  /** The oldest one with the Deployment's template. */
  readonly current: ReplicaSet | undefined;
  /** All others, the oldest first. */
  readonly old: readonly ReplicaSet[];
}

export function splitReplicaSets(
  deployment: Deployment,
  owned: readonly ReplicaSet[],
): ReplicaSets {
  const sorted = [...owned].sort(byAge);
  const current = sorted.find(
    ({ spec }) =>
      spec.template !== undefined && isSameTemplate(spec.template, deployment.spec.template),
  );
  return { current, old: sorted.filter((set) => set !== current) };
}

/** 0 when there is none. */
export function revisionOf(object: KubernetesObject): number {
  const text = object.metadata.annotations?.[REVISION] ?? '';
  return /^\d+$/.test(text) ? Number(text) : 0;
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map(revisionOf));
}

export function totalReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function totalAvailable(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
}

/** What its spec says. */
export function replicasOf(object: { readonly spec: { readonly replicas?: number } }): number {
  return object.spec.replicas ?? 1;
}

/**
 * The annotations of the ReplicaSet with the Deployment's template: the Deployment's, its revision,
 * which is the highest, and the revisions it had before.
 */
export function currentAnnotations(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { ...current?.metadata.annotations };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!OWN_ANNOTATIONS.has(name)) annotations[name] = value;
  }
  const before = current === undefined ? 0 : revisionOf(current);
  const revision = maxRevision(old) + 1;
  if (before >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (before > 0) {
    const history = annotations[REVISION_HISTORY];
    annotations[REVISION_HISTORY] = history === undefined ? String(before) : `${history},${before}`;
  }
  return annotations;
}

/** The annotations that tell a later reconciliation for which size the ReplicaSet was scaled. */
export function sizeAnnotations(
  deployment: Deployment,
  surge: number,
): Readonly<Record<string, string>> {
  const replicas = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + surge) };
}

export function byAge(a: KubernetesObject, b: KubernetesObject): number {
  const [timeA, timeB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
