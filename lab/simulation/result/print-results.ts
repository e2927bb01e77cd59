/** The results of an experiment as a table for a terminal, and as CSV with a row a run. */

import { mean, standardDeviation } from '../statistics/summary.ts';
import type { MetricInfo } from './metrics.ts';
import type { ExperimentResult } from './run-result.ts';

/** Names and numbers of policies: mean over the seeds, and the deviation when there are several. */
export function resultLines(results: ExperimentResult): readonly string[] {
  const { name, description, facts, policies, seeds, metrics, runs } = results;
  const lines = [description === '' ? name : `${name}: ${description}`, ''];
  for (const [what, value] of facts) lines.push(`  ${what.padEnd(8)} ${value}`);
  const shown = metrics.filter((metric) => runs.some((run) => hasNumber(run.metrics[metric.name])));
  lines.push(`  ${'seeds'.padEnd(8)} ${seeds.join(' ')}`, '');
  const cells = shown.map((metric) => [
    titleOf(metric),
    ...policies.map((policy) => {
      const values = runs
        .filter((run) => run.policy === policy.name)
        .flatMap((run) => run.metrics[metric.name] ?? []);
      return valueText(values, metric, seeds.length > 1);
    }),
  ]);
  const head = ['', ...policies.map((policy) => policy.name)];
  const speed = policies.map((policy) => {
    const own = runs.filter((run) => run.policy === policy.name);
    return `${Math.round(mean(own.map(({ measured }) => measured.wallMs)))} ms`;
  });
  const rows = [head, ...cells, ['time of a run', ...speed]];
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of rows) {
    const padded = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    lines.push(padded.join('  ').trimEnd());
  }
  lines.push('', `code ${results.codeVersion}`, `experiment ${results.configHash}`);
  lines.push(`result ${results.resultHash}`);
  return lines;
}

/** Every run with its hashes and metrics. */
export function resultsCsv(results: ExperimentResult): string {
  const names = results.metrics.map(({ name }) => name);
  const lines = [['policy', 'seed', ...names, 'traceHash', 'resultHash'].join(',')];
  for (const run of results.runs) {
    const values = names.map((name) => run.metrics[name] ?? '');
    lines.push([run.policy, run.seed, ...values, run.traceHash, run.resultHash].join(','));
  }
  return `${lines.join('\n')}\n`;
}

function hasNumber(value: number | null | undefined): boolean {
  return value !== null && value !== undefined;
}

function titleOf({ title, unit }: MetricInfo): string {
  return unit === '' ? title : `${title}, ${unit}`;
}

function valueText(values: readonly number[], { digits }: MetricInfo, withSd: boolean): string {
  if (values.length === 0) return 'n/a';
  const text = mean(values).toFixed(digits);
  return withSd ? `${text} ±${standardDeviation(values).toFixed(digits)}` : text;
}
