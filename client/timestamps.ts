/** Timestamps of objects that may be absent; the formats are proto/api/time.ts's. */

import { formatMicroTime, formatTime, parseTime } from '../proto/api/time.ts';

/** `2026-01-01T00:00:00Z`; cut to the second. */
export function apiTime(wallMs: number): string {
  return formatTime(wallMs);
}

/** `2026-01-01T00:00:00.123000Z` */
export function microTime(wallMs: number): string {
  return formatMicroTime(wallMs);
}

/** Milliseconds since the epoch; undefined for an absent or unreadable time. */
export function parseApiTime(time: string | undefined): number | undefined {
  return time === undefined ? undefined : parseTime(time);
}
