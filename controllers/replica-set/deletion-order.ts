/**
 * Which pods go first when a ReplicaSet has too many: those that are missed least.
 *
 * Source: kubernetes pkg/controller/controller_utils.go ActivePodsWithRanks, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { parseTime } from '../../proto/api/time.ts';
import { isPodReady, readySinceMs } from '../pod-state.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Sorted, the first to delete first. `crowding` is how many active pods of the same Deployment (or
 * ReplicaSet) are on the pod's node.
 */
export function inDeletionOrder(
  pods: readonly Pod[],
  crowding: (pod: Pod) => number,
  nowMs: number,
): Pod[] {
  return [...pods].sort((a, b) => compare(a, b, crowding, nowMs));
}

/** Negative: `a` goes first. */
function compare(a: Pod, b: Pod, crowding: (pod: Pod) => number, nowMs: number): number {
  const isAssigned = (pod: Pod): number => ((pod.spec.nodeName ?? '') === '' ? 0 : 1);
  return (
    isAssigned(a) - isAssigned(b) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    crowding(b) - crowding(a) ||
    compareAges(readySinceMs(a), readySinceMs(b), nowMs) ||
    restarts(b) - restarts(a) ||
    compareAges(createdMs(a), createdMs(b), nowMs) ||
    compareTexts(a.metadata.uid, b.metadata.uid)
  );
}

/** Younger first, but ages of the same power of two seconds are the same. None at all: first. */
function compareAges(a: number | undefined, b: number | undefined, nowMs: number): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return magnitude(nowMs - a) - magnitude(nowMs - b);
}

function magnitude(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(Math.max(1, ageMs / 1000)));
}

function phaseRank(pod: Pod): number {
  return PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 0;
}

/** Something else than a number counts as nothing. */
function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '0';
  return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

/** The most that one of its containers was restarted. */
function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((one) => one.restartCount));
}

function createdMs(pod: Pod): number | undefined {
  return parseTime(pod.metadata.creationTimestamp);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
