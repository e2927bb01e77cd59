/**
 * Points in time as the API writes them: `Time` has whole seconds, `MicroTime` six decimals, both in
 * UTC. Parsing takes any RFC 3339 text. Milliseconds since 1970 are the unit everywhere else.
 *
 * Source: RFC 3339; kubernetes/apimachinery pkg/apis/meta/v1/{time,micro_time}.go, v0.36.
 */

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** `2026-01-02T03:04:05Z`; fractions are cut off. */
export function formatTime(ms: number): string {
  return `${isoText(ms).slice(0, 19)}Z`;
}

/** `2026-01-02T03:04:05.678000Z` */
export function formatMicroTime(ms: number, micros = 0): string {
  return `${isoText(ms).slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

/** Milliseconds since 1970, or `undefined` when the text is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const ms = globalThis.Date.parse(text.replace(',', '.'));
  return Number.isNaN(ms) ? undefined : ms;
}

/** The text of a Time in the form the API stores: UTC, whole seconds. */
export function canonicalTime(text: string): string | undefined {
  if (text.length === 20 && text.endsWith('Z') && parseTime(text) !== undefined) return text;
  const ms = parseTime(text);
  return ms === undefined ? undefined : formatTime(ms);
}

/** The text of a MicroTime in the form the API stores: UTC, six decimals; the rest is cut off. */
export function canonicalMicroTime(text: string): string | undefined {
  const ms = parseTime(text);
  if (ms === undefined) return undefined;
  const fraction = /[.,](\d+)/.exec(text)?.[1] ?? '';
  return `${isoText(ms).slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** A conversion, not a clock: the time comes in as a number. */
function isoText(ms: number): string {
  return new globalThis.Date(ms).toISOString();
}
