/**
 * When a pod must leave its node because of the node's NoExecute taints.
 *
 * Source: kubernetes pkg/controller/tainteviction/taint_eviction.go, v1.36.
 */

import type { Pod, Taint } from '../../proto/api/gen/core-v1.ts';
import { toleratesTaint } from '../../proto/api/taints.ts';
import { parseTime } from '../../proto/api/time.ts';

export type Eviction =
  | { readonly kind: 'stays' }
  /** From now on, in milliseconds; 0: at once. */
  | { readonly kind: 'leaves'; readonly afterMs: number };

export function evictionOf(pod: Pod, taints: readonly Taint[], nowMs: number): Eviction {
  const noExecute = taints.filter(({ effect }) => effect === 'NoExecute');
  let leavesMs = Number.POSITIVE_INFINITY;
  for (const taint of noExecute) {
    const tolerations = (pod.spec.tolerations ?? []).filter((one) => toleratesTaint(one, taint));
    if (tolerations.length === 0) return { kind: 'leaves', afterMs: 0 };
    // Of several tolerations the shortest counts; one without seconds is for ever.
    const seconds = tolerations.flatMap(({ tolerationSeconds }) =>
      tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)],
    );
    if (seconds.length === 0) continue;
    const sinceMs = parseTime(taint.timeAdded ?? '') ?? nowMs;
    leavesMs = Math.min(leavesMs, sinceMs + Math.min(...seconds) * 1000);
  }
  if (leavesMs === Number.POSITIVE_INFINITY) return { kind: 'stays' };
  return { kind: 'leaves', afterMs: Math.max(0, leavesMs - nowMs) };
}
