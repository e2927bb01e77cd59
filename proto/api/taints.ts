/**
 * Taints of nodes and tolerations of pods. `Gt` and `Lt` tolerate nothing: upstream's gate for them
 * is off.
 *
 * Source: kubernetes/component-helpers scheduling/corev1/helpers.go; kubernetes/api
 * core/v1/toleration.go, v0.36.
 */

import type { Taint, Toleration } from './gen/core-v1.ts';

export type TaintEffect = Taint['effect'];

/** An empty key with `Exists` tolerates every taint; an empty effect means every effect. */
export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect } = toleration;
  if (effect !== undefined && effect !== ('' as string) && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return operator === 'Equal' && key !== '' && value === (taint.value ?? '');
}

/** Whether one of the tolerations tolerates the taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[] | undefined): boolean {
  return tolerations?.some((toleration) => toleratesTaint(toleration, taint)) ?? false;
}

/** The first taint of one of the effects that isn't tolerated. */
export function findUntoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly TaintEffect[],
): Taint | undefined {
  return taints?.find(
    (taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations),
  );
}
