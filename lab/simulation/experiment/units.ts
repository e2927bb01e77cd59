/** Times and quantities as people write them in experiments. */

import { parseQuantity } from '../../../proto/api/quantity.ts';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `1h30m`, `2d`, or a number of seconds, in milliseconds; undefined for anything else. */
export function readTime(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && value < 1e12 ? value * 1_000 : undefined;
  if (typeof value !== 'string' || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(value)) return undefined;
  let total = 0;
  for (const [, amount, unit = ''] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS[unit] ?? 0);
  }
  return total;
}

/** The text of a quantity of the API; undefined for what is none, or is below 0. */
export function readQuantity(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.startsWith('-')) return undefined;
  return parseQuantity(text) === undefined ? undefined : text;
}
