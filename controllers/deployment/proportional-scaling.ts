/**
 * A Deployment that is scaled in the middle of a rollout (or while paused): all its ReplicaSets that
 * have pods grow or shrink in proportion, so that the risk stays the same.
 *
 * Source: kubernetes pkg/controller/deployment/sync.go scale, util GetReplicaSetProportion, v1.36.
 */

import type { Deployment, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import {
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  type ReplicaSets,
  replicasOf,
  totalReplicas,
} from './replica-sets.ts';
import type { Resize } from './rolling-update.ts';
import { rolloutLimits } from './rollout-limits.ts';

/** Whether the size asked for has changed since the ReplicaSets were last scaled. */
export function isScalingEvent(deployment: Deployment, sets: ReplicaSets): boolean {
  return activeSets(sets).some((set) => {
    const desired = annotatedNumber(set, DESIRED_REPLICAS);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/**
 * The sizes after scaling. ReplicaSets that keep theirs are among them when their annotations are of
 * another size of the Deployment: as long as those are old, there is something to scale.
 */
export function planScaling(deployment: Deployment, sets: ReplicaSets): readonly Resize[] {
  const wanted = replicasOf(deployment);
  const active = activeSets(sets);
  const [first] = active;
  const single = active.length === 0 ? (sets.current ?? sets.old.at(-1)) : first;
  if (active.length <= 1) {
    return single === undefined ? [] : changed(deployment, [[single, wanted]]);
  }
  if (isSaturated(deployment, sets.current)) {
    return changed(
      deployment,
      sets.old.map((set) => [set, 0]),
    );
  }
  if (deployment.spec.strategy?.type === 'Recreate') {
    return changed(
      deployment,
      active.map((set) => [set, replicasOf(set)]),
    );
  }
  const allowed = wanted > 0 ? wanted + rolloutLimits(deployment).surge : 0;
  const toAdd = allowed - totalReplicas(active);
  // The largest get their share first: newer before older when growing, older first when shrinking.
  const order = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || newerFirst(a, b) * Math.sign(toAdd),
  );
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of order) {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd, added);
    sizes.set(set, Math.max(0, replicasOf(set) + share));
    added += share;
  }
  const [largest] = order;
  if (largest !== undefined && toAdd !== 0) {
    sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  }
  return changed(deployment, [...sizes]);
}

/** Whether the rollout has come to its end: the current one has all pods, and they are available. */
function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  if (set === undefined) return false;
  const wanted = replicasOf(deployment);
  const desired = annotatedNumber(set, DESIRED_REPLICAS);
  return (
    replicasOf(set) === wanted && desired === wanted && set.status?.availableReplicas === wanted
  );
}

/** A ReplicaSet's part of what is added (or, negative, taken). */
function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const fraction = fractionOf(deployment, set);
  const allowed = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = replicasOf(set);
  if (replicasOf(deployment) === 0) return -size;
  const most = replicasOf(deployment) + rolloutLimits(deployment).surge;
  // Without the annotation, by what the Deployment had when its status was written.
  const before = annotatedNumber(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0;
  return before === 0 ? 0 : Math.round((size * most) / before) - size;
}

function activeSets({ current, old }: ReplicaSets): ReplicaSet[] {
  const all = current === undefined ? [...old] : [current, ...old];
  return all.filter((set) => replicasOf(set) > 0);
}

function annotatedNumber(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function changed(
  deployment: Deployment,
  sizes: readonly (readonly [ReplicaSet, number])[],
): Resize[] {
  const isOld = (set: ReplicaSet): boolean =>
    annotatedNumber(set, DESIRED_REPLICAS) !== replicasOf(deployment);
  return sizes
    .filter(([set, replicas]) => replicas !== replicasOf(set) || (replicas > 0 && isOld(set)))
    .map(([set, replicas]) => ({ set, replicas }));
}

function newerFirst(a: ReplicaSet, b: ReplicaSet): number {
  if (a.metadata.creationTimestamp === b.metadata.creationTimestamp) return 0;
  return a.metadata.creationTimestamp > b.metadata.creationTimestamp ? -1 : 1;
}
