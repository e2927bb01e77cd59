/**
 * The status of a ReplicaSet, from its pods.
 *
 * Source: kubernetes pkg/controller/replicaset/replica_set_utils.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type {
  ReplicaSet,
  ReplicaSetCondition,
  ReplicaSetStatus,
} from '../../proto/api/gen/apps-v1.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { matchesLabels, requirementsOfMap } from '../../proto/api/label-selector.ts';
import { formatTime } from '../../proto/api/time.ts';
import { isPodAvailable, isPodReady, readySinceMs } from '../pod-state.ts';

/** What kept pods from being created or deleted in this reconciliation. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** `pods` are the active ones. */
export function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = set.spec;
  const labels = requirementsOfMap(template?.metadata?.labels ?? {});
  const count = (is: (pod: Pod) => boolean): number => pods.filter(is).length;
  const generation = set.metadata.generation ?? 0;
  const conditions = conditionsOf(set, failure, nowMs);
  return {
    replicas: pods.length,
    fullyLabeledReplicas: count((pod) => matchesLabels(labels, pod.metadata.labels)),
    readyReplicas: count(isPodReady),
    availableReplicas: count((pod) => isPodAvailable(pod, minReadySeconds, nowMs)),
    observedGeneration: generation,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** When the next pod that is ready becomes available; undefined: none will by waiting. */
export function nextAvailableMs(
  set: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
): number | undefined {
  const waitMs = (set.spec.minReadySeconds ?? 0) * 1000;
  const due = pods
    .map((pod) => readySinceMs(pod))
    .filter((sinceMs) => sinceMs !== undefined)
    .map((sinceMs) => sinceMs + waitMs - nowMs)
    .filter((ms) => ms > 0);
  return due.length === 0 ? undefined : Math.min(...due);
}

export function isSameStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  return (
    a !== undefined &&
    (a.replicas ?? 0) === b.replicas &&
    (a.fullyLabeledReplicas ?? 0) === b.fullyLabeledReplicas &&
    (a.readyReplicas ?? 0) === b.readyReplicas &&
    (a.availableReplicas ?? 0) === b.availableReplicas &&
    (a.observedGeneration ?? 0) === b.observedGeneration &&
    isDeepStrictEqual(a.conditions ?? [], b.conditions ?? [])
  );
}

/** `ReplicaFailure` is there as long as something fails; other conditions are kept. */
function conditionsOf(
  set: ReplicaSet,
  failure: ReplicaFailure | undefined,
  nowMs: number,
): readonly ReplicaSetCondition[] {
  const old = set.status?.conditions ?? [];
  const others = old.filter(({ type }) => type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const before = old.find(({ type }) => type === 'ReplicaFailure');
  if (before?.reason === failure.reason) return old;
  const lastTransitionTime = formatTime(nowMs);
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }];
}
