/**
 * Which pods nobody else will ever delete.
 *
 * Source: kubernetes pkg/controller/podgc/gc_controller.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { isPodOver } from '../pod-state.ts';

/** Upstream's `--terminated-pod-gc-threshold`. */
export const TERMINATED_PODS_MAX = 12_500;

/** A pod that is to be deleted at once, and why. */
export type GarbageReason =
  | 'orphaned'
  | 'unscheduled terminating'
  | 'terminated over the threshold';

/** `isNodeGone` must be sure. */
export function garbageReason(
  pod: Pod,
  isNodeGone: (name: string) => boolean,
): GarbageReason | undefined {
  const nodeName = pod.spec.nodeName ?? '';
  if (nodeName === '') {
    return pod.metadata.deletionTimestamp === undefined ? undefined : 'unscheduled terminating';
  }
  return isNodeGone(nodeName) ? 'orphaned' : undefined;
}

/** The oldest pods that have ended, over the threshold. */
export function terminatedSurplus(pods: readonly Pod[], max: number): readonly Pod[] {
  const ended = pods.filter(isPodOver);
  if (ended.length <= max) return [];
  const byCreation = (a: Pod, b: Pod): number =>
    a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
  return ended.sort(byCreation).slice(0, ended.length - max);
}
