/** How the numbers of a comparison are written, the same in the terminal and in the report. */

import type { Metric, MetricOutcome } from './comparison.ts';

export function formatNumber(value: number | null, metric: Metric): string {
  if (value === null) return 'n/a';
  const text = grouped(value.toFixed(metric.digits));
  // -0.00 is 0.00.
  return /^-[0.,]*$/.test(text) ? text.slice(1) : text;
}

/** A whole number: `10,814`. */
export function formatCount(count: number): string {
  return grouped(String(count));
}

/** With a sign: `+0.84`, `−1.20`, `0.00`. */
export function formatSigned(value: number | null, metric: Metric): string {
  if (value === null) return 'n/a';
  const text = formatNumber(Math.abs(value), metric);
  if (!/[1-9]/.test(text)) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** Differences of percentages are points; others keep their unit. */
export function differenceUnit(metric: Metric): string {
  return metric.unit === '%' ? 'points' : metric.unit;
}

export function formatMeanSd(
  { mean, sd }: Pick<MetricOutcome, 'mean' | 'sd'>,
  metric: Metric,
): string {
  if (mean === null) return 'n/a';
  return `${formatNumber(mean, metric)} ± ${formatNumber(sd, metric)}`;
}

/** Two digits that matter, and no false exactness below 0.001. */
export function formatP(p: number): string {
  if (p < 0.001) return '< 0.001';
  return p < 0.0995 ? p.toPrecision(2) : p.toFixed(2);
}

/** A part of 0 to 1 in percent; small parts are not rounded away to nothing. */
export function formatShare(part: number): string {
  const percent = Math.abs(part) * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${part < 0 ? '−' : ''}${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

export function titleWithUnit({ title, unit }: Metric): string {
  return unit === '' ? title : `${title}, ${unit}`;
}

export function directionOf({ better }: Metric): string {
  return better === 'neither' ? '' : `${better} is better`;
}

/** Thousands apart by a thin space would not stay in line in a terminal: a comma. */
function grouped(text: string): string {
  const [whole = '', part] = text.split('.');
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? apart : `${apart}.${part}`;
}
