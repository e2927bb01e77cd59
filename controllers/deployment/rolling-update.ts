/**
 * The sizes of a Deployment's ReplicaSets on the way from the old template to the new one. Pure:
 * from what is observed to the next sizes; never more than `maxSurge` pods too many, and no healthy
 * pod is given up below `maxUnavailable`.
 *
 * Source: kubernetes pkg/controller/deployment/{rolling,recreate}.go, v1.36.
 */

import type { Deployment, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import { byAge, replicasOf, totalAvailable, totalReplicas } from './replica-sets.ts';
import { rolloutLimits } from './rollout-limits.ts';

/** A ReplicaSet is to get this many replicas. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** How many the one with the Deployment's template may have now; `all` are all but it. */
export function currentSetReplicas(
  deployment: Deployment,
  current: number,
  old: readonly ReplicaSet[],
): number {
  const wanted = replicasOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return wanted;
  const most = wanted + rolloutLimits(deployment).surge;
  const room = most - (current + totalReplicas(old));
  if (room <= 0) return current;
  return current + Math.min(room, Math.max(0, wanted - current));
}

/** The next resizes of a rolling update; none: it waits for pods, or it is done. */
export function planRollingUpdate(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const wanted = replicasOf(deployment);
  const size = replicasOf(current);
  // Too many can only be after the Deployment shrank.
  const next = size > wanted ? wanted : currentSetReplicas(deployment, size, old);
  if (next !== size) return [{ set: current, replicas: next }];
  return planScaleDown(deployment, current, old);
}

/** Pods that aren't available go first: nobody misses them. */
function planScaleDown(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  if (totalReplicas(old) === 0) return [];
  const minAvailable = replicasOf(deployment) - rolloutLimits(deployment).unavailable;
  const currentUnavailable = replicasOf(current) - (current.status?.availableReplicas ?? 0);
  const all = totalReplicas(old) + replicasOf(current);
  const spare = all - minAvailable - currentUnavailable;
  if (spare <= 0) return [];
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const byAgeOld = [...old].sort(byAge);
  let left = spare;
  for (const set of byAgeOld) {
    const size = sizes.get(set) ?? 0;
    const unhealthy = size - (set.status?.availableReplicas ?? 0);
    const cut = Math.min(left, Math.max(0, unhealthy));
    sizes.set(set, size - cut);
    left -= cut;
  }
  let cuttable = totalAvailable([...old, current]) - minAvailable;
  for (const set of byAgeOld) {
    const size = sizes.get(set) ?? 0;
    const cut = Math.min(size, Math.max(0, cuttable));
    sizes.set(set, size - cut);
    cuttable -= cut;
  }
  return [...sizes]
    .filter(([set, replicas]) => replicas !== replicasOf(set))
    .map(([set, replicas]) => ({ set, replicas }));
}
