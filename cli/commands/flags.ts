/** Flags that several verbs share. */

import { CliUsageError } from '../session.ts';

/** For flags that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Throws {@link CliUsageError} for anything but `server` and `none`. */
export function isDryRun(text: string | undefined): boolean {
  if (text === undefined || text === 'none') return false;
  if (text === 'server') return true;
  throw new CliUsageError(`--dry-run=${text} is not supported: use server or none`);
}

/** Go's form of a duration, as `90s`, `1h30m`; a plain number is seconds. Returns milliseconds. */
export function parseDuration(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new CliUsageError(`"${text}" is not a duration such as 90s, 5m or 1h30m`);
  }
  return parts.reduce(
    (sum, [, value, unit]) => sum + Number(value) * (UNIT_MS[unit ?? ''] ?? 0),
    0,
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
