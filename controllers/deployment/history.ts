/**
 * Old ReplicaSets that are no longer kept for a rollback.
 *
 * Source: kubernetes pkg/controller/deployment/sync.go cleanupDeployment, v1.36.
 */

import type { Deployment, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import { byAge, replicasOf, revisionOf } from './replica-sets.ts';

/** Upstream's default. */
const HISTORY_LIMIT = 10;

/** The oldest revisions over the limit; only what has no pods and isn't going already. */
export function surplusHistory(
  deployment: Deployment,
  old: readonly ReplicaSet[],
): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? HISTORY_LIMIT;
  const kept = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = kept.length - limit;
  if (surplus <= 0) return [];
  const sorted = [...kept].sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b));
  return sorted.slice(0, surplus).filter(isIdle);
}

function isIdle(set: ReplicaSet): boolean {
  const { replicas = 0, observedGeneration = 0 } = set.status ?? {};
  const isObserved = (set.metadata.generation ?? 0) <= observedGeneration;
  return replicas === 0 && replicasOf(set) === 0 && isObserved;
}
