/**
 * What the status of a PodDisruptionBudget should be, from its pods and from how many of them there
 * are to be. Pure.
 *
 * Source: kubernetes pkg/controller/disruption/disruption.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Condition } from '../../proto/api/gen/meta-v1.ts';
import type {
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
} from '../../proto/api/gen/policy-v1.ts';
import { formatTime, parseTime } from '../../proto/api/time.ts';
import { isPodReady } from '../pod-state.ts';

/** An eviction that was granted this long ago, and whose pod is still there, did not happen. */
const EVICTION_TIMEOUT_MS = 2 * 60_000;

export interface DisruptionInput {
  readonly budget: PodDisruptionBudget;
  /** Those that the budget selects. */
  readonly pods: readonly Pod[];
  /** How many pods their controllers want, together; pods without a controller do not count. */
  readonly expectedScale: number;
  readonly nowMs: number;
}

export interface DisruptionOutcome {
  readonly status: PodDisruptionBudgetStatus;
  /** When a granted eviction turns out not to have happened. */
  readonly againAfterMs: number | undefined;
}

export function disruptionStatus(input: DisruptionInput): DisruptionOutcome {
  const { budget, pods, nowMs } = input;
  const { expected, desired } = expectations(input);
  const granted = grantedEvictions(input);
  const isHealthy = (pod: Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined &&
    granted[pod.metadata.name] === undefined &&
    isPodReady(pod);
  const healthy = pods.filter(isHealthy).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const ends = Object.values(granted).map((time) => (parseTime(time) ?? 0) + EVICTION_TIMEOUT_MS);
  return {
    status: {
      observedGeneration: budget.metadata.generation ?? 0,
      ...(Object.keys(granted).length === 0 ? {} : { disruptedPods: granted }),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: conditionsOf(budget, allowed, nowMs),
    },
    againAfterMs: ends.length === 0 ? undefined : Math.max(0, Math.min(...ends) - nowMs),
  };
}

function expectations({ budget, pods, expectedScale }: DisruptionInput): {
  readonly expected: number;
  readonly desired: number;
} {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (maxUnavailable !== undefined) {
    const away = amountOf(maxUnavailable, expectedScale);
    return { expected: expectedScale, desired: Math.max(0, expectedScale - away) };
  }
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  // Without either there is nothing to keep.
  if (minAvailable === undefined) return { expected: pods.length, desired: 0 };
  return { expected: expectedScale, desired: amountOf(minAvailable, expectedScale) };
}

/** A number, or a percentage of the scale, rounded up. */
function amountOf(amount: number | string, scale: number): number {
  if (typeof amount === 'number') return amount;
  return Math.ceil((Number.parseInt(amount, 10) * scale) / 100);
}

/** Evictions that were granted and whose pods have not begun to go. */
function grantedEvictions({ budget, pods, nowMs }: DisruptionInput): Record<string, string> {
  const disrupted = budget.status?.disruptedPods ?? {};
  const granted: Record<string, string> = {};
  for (const { metadata } of pods) {
    const time = disrupted[metadata.name];
    if (time === undefined || metadata.deletionTimestamp !== undefined) continue;
    if ((parseTime(time) ?? 0) + EVICTION_TIMEOUT_MS > nowMs) granted[metadata.name] = time;
  }
  return granted;
}

function conditionsOf(
  budget: PodDisruptionBudget,
  allowed: number,
  nowMs: number,
): readonly Condition[] {
  const type = 'DisruptionAllowed';
  const status = allowed > 0 ? 'True' : 'False';
  const before = budget.status?.conditions ?? [];
  const known = before.find((condition) => condition.type === type);
  const since = known?.status === status ? known.lastTransitionTime : formatTime(nowMs);
  const condition: Condition = {
    type,
    status,
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation ?? 0,
    lastTransitionTime: since,
  };
  return [...before.filter((one) => one.type !== type), condition];
}
