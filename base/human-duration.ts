/**
 * Durations and ages as people read them: `45s`, `3m20s`, `5h`, `2d4h`.
 * Source: kubernetes/apimachinery pkg/util/duration/duration.go, v0.36 (the thresholds).
 */

const SECOND_MS = 1000;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const YEAR_S = 365 * DAY_S;

/** The smaller unit is given only while it still matters: below 10 min, 8 h, 8 days and 8 years. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND_MS);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE_S) return `${seconds}s`;
  if (seconds < 10 * MINUTE_S) return twoUnits(seconds, MINUTE_S, 'm', 1, 's');
  if (seconds < 3 * HOUR_S) return `${Math.trunc(seconds / MINUTE_S)}m`;
  if (seconds < 8 * HOUR_S) return twoUnits(seconds, HOUR_S, 'h', MINUTE_S, 'm');
  if (seconds < 2 * DAY_S) return `${Math.trunc(seconds / HOUR_S)}h`;
  if (seconds < 8 * DAY_S) return twoUnits(seconds, DAY_S, 'd', HOUR_S, 'h');
  if (seconds < 2 * YEAR_S) return `${Math.trunc(seconds / DAY_S)}d`;
  if (seconds < 8 * YEAR_S) return twoUnits(seconds, YEAR_S, 'y', DAY_S, 'd');
  return `${Math.trunc(seconds / YEAR_S)}y`;
}

function twoUnits(s: number, unit: number, name: string, small: number, smallName: string): string {
  const rest = Math.trunc((s % unit) / small);
  const head = `${Math.trunc(s / unit)}${name}`;
  return rest === 0 ? head : `${head}${rest}${smallName}`;
}
