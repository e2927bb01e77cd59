/**
 * Whether a pod that was bound to this node fits on it. The scheduler has seen to that; it may have
 * been bypassed, or have known less.
 *
 * Source: kubernetes pkg/kubelet/lifecycle/predicate.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { isTerminalPhase } from './container-kinds.ts';
import { podRequests } from './qos.ts';

export interface NodeCapacity {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

/** The pod fails with this; `reason` is `OutOfcpu`, `OutOfmemory` or `OutOfpods`. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** Undefined: it fits. `others` are the pods that are on the node already. */
export function admit(
  pod: Pod,
  others: readonly Pod[],
  capacity: NodeCapacity,
): Rejection | undefined {
  const active = others.filter((other) => !isTerminalPhase(other.status?.phase));
  const used = active.map(podRequests);
  const sum = (key: 'cpuMilli' | 'memoryBytes'): number =>
    used.reduce((total, each) => total + each[key], 0);
  const wanted = podRequests(pod);
  return (
    rejection('pods', 1, active.length, capacity.pods) ??
    rejection('cpu', wanted.cpuMilli, sum('cpuMilli'), capacity.cpuMilli) ??
    rejection('memory', wanted.memoryBytes, sum('memoryBytes'), capacity.memoryBytes)
  );
}

function rejection(
  resource: string,
  requested: number,
  used: number,
  capacity: number,
): Rejection | undefined {
  if (requested === 0 || requested + used <= capacity) return undefined;
  const message = `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${resource}`, message: `Pod was rejected: ${message}` };
}
