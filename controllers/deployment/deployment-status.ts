/**
 * The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure in
 * upstream's words, which `kubectl rollout status` reads.
 *
 * Source: kubernetes pkg/controller/deployment/{progress,sync}.go, util/deployment_util.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../proto/api/gen/apps-v1.ts';
import { formatTime, parseTime } from '../../proto/api/time.ts';
import { type ReplicaSets, replicasOf, totalAvailable, totalReplicas } from './replica-sets.ts';
import { rolloutLimits } from './rollout-limits.ts';

/** "No deadline": what `progressDeadlineSeconds` is when nobody cares. */
const NO_DEADLINE = 2_147_483_647;

/** Something that happened in this reconciliation and that Progressing tells of. */
export interface ProgressNote {
  readonly status: 'True' | 'Unknown' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Without `note`, Progressing says what the counts say. */
export function deploymentStatus(
  deployment: Deployment,
  sets: ReplicaSets,
  note: ProgressNote | undefined,
  collisionCount: number,
  nowMs: number,
): DeploymentStatus {
  const all = sets.current === undefined ? sets.old : [sets.current, ...sets.old];
  const available = totalAvailable(all);
  const sum = (of: (set: ReplicaSet) => number | undefined): number =>
    all.reduce((total, set) => total + (of(set) ?? 0), 0);
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(({ status }) => status?.replicas),
    updatedReplicas: sets.current?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalReplicas(all) - available),
    ...(collisionCount === 0 ? {} : { collisionCount }),
  };
  let conditions = deployment.status?.conditions ?? [];
  conditions = setCondition(conditions, availableCondition(deployment, available), nowMs);
  const progressing = note ?? progressOf(deployment, sets, counts, nowMs);
  if (progressing !== undefined) {
    conditions = setCondition(conditions, { type: 'Progressing', ...progressing }, nowMs, {
      // Progress moves the time that the deadline counts from.
      isRenewed: note === undefined && progressing.reason === 'ReplicaSetUpdated',
    });
  }
  conditions = withReplicaFailure(conditions, sets, nowMs);
  return { ...counts, conditions };
}

/** Whether all pods are of the current template, and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** When the deadline is over, counted from now; undefined: there is none to wait for. */
export function deadlineAfterMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const progressing = conditionOf(status.conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing === undefined) return undefined;
  if (progressing.status !== 'True' || progressing.reason === 'NewReplicaSetAvailable') {
    return undefined;
  }
  if (deployment.spec.paused === true) return undefined;
  const since = parseTime(progressing.lastUpdateTime ?? '') ?? nowMs;
  // The condition's time has whole seconds: a second more is certainly late enough.
  return Math.max(0, since + deadlineMs(deployment) + 1_000 - nowMs);
}

/** Equal but for times that say nothing new. */
export function isSameDeploymentStatus(
  a: DeploymentStatus | undefined,
  b: DeploymentStatus,
): boolean {
  const counts = (status: DeploymentStatus): number[] => [
    status.observedGeneration ?? 0,
    status.replicas ?? 0,
    status.updatedReplicas ?? 0,
    status.readyReplicas ?? 0,
    status.availableReplicas ?? 0,
    status.unavailableReplicas ?? 0,
    status.collisionCount ?? 0,
  ];
  if (a === undefined || counts(a).join() !== counts(b).join()) return false;
  return isDeepStrictEqual(a.conditions ?? [], b.conditions ?? []);
}

export function conditionOf(
  conditions: readonly DeploymentCondition[] | undefined,
  type: string,
): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function availableCondition(
  deployment: Deployment,
  available: number,
): { type: string } & ProgressNote {
  const minimum = replicasOf(deployment) - rolloutLimits(deployment).unavailable;
  if (available >= minimum) {
    const message = 'Deployment has minimum availability.';
    return { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message };
  }
  const message = 'Deployment does not have minimum availability.';
  return { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message };
}

function progressOf(
  deployment: Deployment,
  sets: ReplicaSets,
  status: DeploymentStatus,
  nowMs: number,
): ProgressNote | undefined {
  const before = conditionOf(deployment.status?.conditions, 'Progressing');
  const isOver = before?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment) || deployment.spec.paused === true) return undefined;
  // Once complete, pods that come and go are no rollout.
  if (isOver && status.replicas === status.updatedReplicas) return undefined;
  const name = sets.current?.metadata.name ?? deployment.metadata.name;
  const what = sets.current === undefined ? 'Deployment' : 'ReplicaSet';
  if (isComplete(deployment, status)) {
    const message = `${what} "${name}" has successfully progressed.`;
    return { status: 'True', reason: 'NewReplicaSetAvailable', message };
  }
  if (hasProgressed(deployment.status, status)) {
    const message = `${what} "${name}" is progressing.`;
    return { status: 'True', reason: 'ReplicaSetUpdated', message };
  }
  if (isLate(deployment, before, nowMs)) {
    const message = `${what} "${name}" has timed out progressing.`;
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message };
  }
  return undefined;
}

/** More new pods, fewer old ones, or more that are ready or available. */
function hasProgressed(old: DeploymentStatus | undefined, status: DeploymentStatus): boolean {
  const oldOnes = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number =>
    replicas - updatedReplicas;
  return (
    (status.updatedReplicas ?? 0) > (old?.updatedReplicas ?? 0) ||
    oldOnes(status) < oldOnes(old ?? {}) ||
    (status.readyReplicas ?? 0) > (old?.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old?.availableReplicas ?? 0)
  );
}

function isLate(
  deployment: Deployment,
  progressing: DeploymentCondition | undefined,
  nowMs: number,
): boolean {
  if (progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  const since = parseTime(progressing.lastUpdateTime ?? '') ?? nowMs;
  return since + deadlineMs(deployment) < nowMs;
}

function hasDeadline(deployment: Deployment): boolean {
  const { progressDeadlineSeconds = NO_DEADLINE } = deployment.spec;
  return progressDeadlineSeconds !== NO_DEADLINE;
}

function deadlineMs(deployment: Deployment): number {
  return (deployment.spec.progressDeadlineSeconds ?? NO_DEADLINE) * 1000;
}

/** The times move only when the condition says something new (or its renewal is news). */
function setCondition(
  conditions: readonly DeploymentCondition[],
  next: { type: string } & ProgressNote,
  nowMs: number,
  { isRenewed = false } = {},
): readonly DeploymentCondition[] {
  const old = conditionOf(conditions, next.type);
  const isSame = old?.status === next.status && old.reason === next.reason;
  if (isSame && !isRenewed) return conditions;
  const now = formatTime(nowMs);
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? now) : now;
  const { type, status, reason, message } = next;
  const condition = { type, status, lastUpdateTime: now, lastTransitionTime, reason, message };
  return [...conditions.filter((one) => one.type !== next.type), condition];
}

/** What keeps one of the ReplicaSets from having its pods. */
function withReplicaFailure(
  conditions: readonly DeploymentCondition[],
  { current, old }: ReplicaSets,
  nowMs: number,
): readonly DeploymentCondition[] {
  const failures = [current, ...old].flatMap(
    (set) => set?.status?.conditions?.filter(({ type }) => type === 'ReplicaFailure') ?? [],
  );
  const [failure] = failures;
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const { reason = '', message = '' } = failure;
  const next = { type: 'ReplicaFailure', status: 'True' as const, reason, message };
  return setCondition(conditions, next, nowMs);
}
