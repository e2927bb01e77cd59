/**
 * The taints that a node's conditions ask for.
 *
 * Source: kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go; kubernetes/api
 * core/v1/well_known_taints.go, v1.36.
 */

import type { Node, Taint } from '../../proto/api/gen/core-v1.ts';
import type { TaintEffect } from '../../proto/api/taints.ts';
import { formatTime } from '../../proto/api/time.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Condition type -> status -> taint key, all `NoSchedule`. */
const NO_SCHEDULE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};

/** The taints that are this controller's; all others are left alone. */
function isOurs({ key, effect }: Taint): boolean {
  if (effect === 'NoExecute') return key === NOT_READY || key === UNREACHABLE;
  if (effect !== 'NoSchedule') return false;
  if (key === UNSCHEDULABLE) return true;
  return Object.values(NO_SCHEDULE).some((keys) => Object.values(keys).includes(key));
}

/**
 * The node's taints as they should be; undefined: they are. `mayEvict`: whether pods are driven off
 * (no other node would be left to take them, otherwise).
 */
export function desiredTaints(
  node: Node,
  mayEvict: boolean,
  nowMs: number,
): readonly Taint[] | undefined {
  const wanted: { key: string; effect: TaintEffect }[] = [];
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = NO_SCHEDULE[type]?.[status];
    if (key === undefined) continue;
    wanted.push({ key, effect: 'NoSchedule' });
    if (type === 'Ready' && mayEvict) wanted.push({ key, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable === true) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const old = node.spec?.taints ?? [];
  const isSame = (
    a: { key: string; effect: string },
    b: { key: string; effect: string },
  ): boolean => a.key === b.key && a.effect === b.effect;
  const kept = old.filter((taint) => !isOurs(taint) || wanted.some((one) => isSame(one, taint)));
  const added = wanted
    .filter((one) => !old.some((taint) => isSame(one, taint)))
    .map((one) => ({ ...one, timeAdded: formatTime(nowMs) }));
  if (added.length === 0 && kept.length === old.length) return undefined;
  return [...kept, ...added];
}
