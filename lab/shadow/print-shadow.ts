/** What a shadow would have done otherwise, for a person. */

import { preferenceText } from '../simulation/compare/preference.ts';
import type { Judgement, ShadowTotals } from './shadow.ts';

/** `default/web-1: live sim-3, best-fit sim-1 (BestFit +12); 3 of 4 differ (75.0 %)` */
export function judgementLine(name: string, judgement: Judgement, totals: ShadowTotals): string {
  const { pod, live = 'no node', shadow = 'no node', because } = judgement;
  const why = because === undefined ? '' : ` (${preferenceText(because)})`;
  return `${pod}: live ${live}, ${name} ${shadow}${why}; ${shareText(totals)}`;
}

export function totalLines(totals: ShadowTotals): readonly string[] {
  const { onlyTies, byPlugin } = totals;
  const causes = Object.entries(byPlugin).map(([plugin, times]) => `${plugin} ${times}`);
  if (onlyTies > 0) causes.push(`only the tie-break ${onlyTies}`);
  return [shareText(totals), ...(causes.length === 0 ? [] : [`by ${causes.join(', ')}`])];
}

function shareText({ decisions, different }: ShadowTotals): string {
  const share = decisions === 0 ? 0 : (100 * different) / decisions;
  return `${different} of ${decisions} differ (${share.toFixed(1)} %)`;
}
