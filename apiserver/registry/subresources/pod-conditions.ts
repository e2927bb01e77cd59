/** Conditions in the status of a pod. */

import type { PodCondition } from '../../../proto/api/gen/core-v1.ts';
import type { ApiObject } from '../strategy.ts';

/** Sets one condition; its transition time stays when its status does. */
export function setCondition(pod: ApiObject, condition: PodCondition, now: string): void {
  const all = conditionsOf(pod);
  const before = all.find(({ type }) => type === condition.type);
  const isSame = before?.status === condition.status;
  const since = isSame ? (before?.lastTransitionTime ?? now) : now;
  const others = all.filter(({ type }) => type !== condition.type);
  pod.status = {
    ...pod.status,
    conditions: [...others, { ...condition, lastTransitionTime: since }],
  };
}

export function isConditionTrue(pod: ApiObject, type: string): boolean {
  return conditionsOf(pod).find((one) => one.type === type)?.status === 'True';
}

function conditionsOf(pod: ApiObject): readonly PodCondition[] {
  // The schema has checked the type of the conditions.
  return (pod.status?.conditions ?? []) as readonly PodCondition[];
}
