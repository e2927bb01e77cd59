/** Why a decision took its node and not another one. Pure. */

import type { Decision } from '../../../scheduler/schedule-one.ts';

export type Preference =
  /** By so many weighted points of this plugin, which made the largest difference. */
  | { readonly kind: 'points'; readonly plugin: string; readonly points: number }
  /** Both have the same total. */
  | { readonly kind: 'tie' }
  /** The other one didn't fit, or wasn't looked at. */
  | { readonly kind: 'unfit' }
  /** No node at all fitted. */
  | { readonly kind: 'none' };

export function preferenceOf(decision: Decision, other: string): Preference {
  if (decision.kind !== 'node') return { kind: 'none' };
  const [own, rival] = [decision.nodeName, other].map((name) => decision.feasible.indexOf(name));
  if (own === undefined || rival === undefined || own < 0 || rival < 0) return { kind: 'unfit' };
  let total = 0;
  let most = { plugin: '', points: 0 };
  for (const { plugin, weight, scores } of decision.scores) {
    const points = ((scores[own] ?? 0) - (scores[rival] ?? 0)) * weight;
    total += points;
    if (points > most.points) most = { plugin, points };
  }
  return total === 0 || most.points === 0 ? { kind: 'tie' } : { kind: 'points', ...most };
}

/** `NodeResourcesFit +12`, `tie-break`, `does not fit there`, `fits nowhere`. */
export function preferenceText(preference: Preference): string {
  switch (preference.kind) {
    case 'points':
      return `${preference.plugin} +${Math.round(preference.points * 100) / 100}`;
    case 'tie':
      return 'tie-break';
    case 'unfit':
      return 'does not fit there';
    case 'none':
      return 'fits nowhere';
  }
}
