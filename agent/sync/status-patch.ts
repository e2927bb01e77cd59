/**
 * The strategic merge patch that makes the API's status of a pod what it should be. It names the
 * pod's uid, so that it can't hit another pod of the same name, and leaves others' conditions alone.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodCondition, PodStatus } from '../../proto/api/gen/core-v1.ts';
import { OWNED_CONDITIONS } from '../pod/pod-conditions.ts';

export interface StatusPatch {
  readonly metadata: { readonly uid: string };
  readonly status: Readonly<Record<string, unknown>>;
}

/** Fields of others: the agent never removes them. */
const FOREIGN: readonly string[] = ['nominatedNodeName', 'resize', 'resourceClaimStatuses'];

/** Undefined when the API shows what it should. */
export function statusPatch(api: Pod, desired: PodStatus): StatusPatch | undefined {
  const shown: Readonly<Record<string, unknown>> = { ...api.status };
  const wanted: Readonly<Record<string, unknown>> = { ...desired };
  const status: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(shown), ...Object.keys(wanted)])) {
    if (key === 'conditions' || FOREIGN.includes(key)) continue;
    if (isDeepStrictEqual(plain(shown[key]), plain(wanted[key]))) continue;
    status[key] = wanted[key] ?? null;
  }
  for (const key of ['podIPs', 'hostIPs'] as const) {
    if (key in status) status[key] = mergeByIp(api.status?.[key] ?? [], desired[key] ?? []);
  }
  const conditions = changedConditions(api.status?.conditions ?? [], desired.conditions ?? []);
  if (conditions.length > 0) status.conditions = conditions;
  if (Object.keys(status).length === 0) return undefined;
  return { metadata: { uid: api.metadata.uid }, status };
}

/** Absent and empty objects are the same on the wire: the API server may drop either. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) => {
    const isEmpty =
      typeof each === 'object' &&
      each !== null &&
      !Array.isArray(each) &&
      !Object.keys(each).length;
    return isEmpty || each === '' || each === null ? undefined : each;
  });
}

/** These lists are merged by ip: one that is no longer ours must be named to be removed. */
function mergeByIp(
  shown: readonly { readonly ip?: string }[],
  wanted: readonly { readonly ip?: string }[],
): readonly unknown[] {
  const stale = shown.filter(({ ip }) => !wanted.some((each) => each.ip === ip));
  return [...wanted, ...stale.map(({ ip }) => ({ ip, $patch: 'delete' }))];
}

function changedConditions(
  shown: readonly PodCondition[],
  wanted: readonly PodCondition[],
): readonly unknown[] {
  return wanted.flatMap((condition): readonly unknown[] => {
    const seen = shown.find(({ type }) => type === condition.type);
    const isOurs = OWNED_CONDITIONS.some((type) => type === condition.type);
    if (seen !== undefined && (!isOurs || isDeepStrictEqual(plain(seen), plain(condition)))) {
      return [];
    }
    const removed = (['reason', 'message'] as const).filter(
      (key) => seen?.[key] !== undefined && condition[key] === undefined,
    );
    return [{ ...condition, ...Object.fromEntries(removed.map((key) => [key, null])) }];
  });
}
