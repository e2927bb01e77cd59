/**
 * Questions about pods that several controllers ask.
 *
 * Source: kubernetes pkg/api/v1/pod/util.go; pkg/controller/controller_utils.go, v1.36.
 */

import type { Pod, PodCondition } from '../proto/api/gen/core-v1.ts';
import { parseTime } from '../proto/api/time.ts';

/** It runs, or will: it has not ended and isn't being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodOver(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Its containers have ended for good. */
export function isPodOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Since when it is ready; undefined: it isn't. */
export function readySinceMs(pod: Pod): number | undefined {
  const condition = podCondition(pod, 'Ready');
  if (condition?.status !== 'True') return undefined;
  return parseTime(condition.lastTransitionTime ?? '') ?? 0;
}

/** Ready, and for this many seconds. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const sinceMs = readySinceMs(pod);
  if (sinceMs === undefined) return false;
  return minReadySeconds === 0 || sinceMs + minReadySeconds * 1000 <= nowMs;
}
