/** A comparison as CSV (RFC 4180): a row for each policy, metric and seed, so that other tools plot it. */

import type { Comparison } from './comparison.ts';

export function comparisonCsv({ policies, metrics, seeds, bounds }: Comparison): string {
  const rows: (readonly (string | number)[])[] = [['policy', 'metric', 'unit', 'seed', 'value']];
  for (const { name, outcomes } of policies) {
    for (const metric of metrics) {
      for (const [index, seed] of seeds.entries()) {
        const value = outcomes[metric.name]?.values[index] ?? '';
        rows.push([name, metric.name, metric.unit, seed, value]);
      }
    }
  }
  for (const { metric, values } of bounds) {
    const unit = metrics.find(({ name }) => name === metric)?.unit ?? '';
    for (const [index, seed] of seeds.entries()) {
      rows.push(['(bound)', metric, unit, seed, values[index] ?? '']);
    }
  }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
