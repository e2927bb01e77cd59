/** Where and how a comparison is put out: `-o table`, `-o csv=FILE`, `-o json`, `-o html=FILE`. */

import { UsageError } from '../../commands/usage-error.ts';
import { reportHtml } from '../report/report.ts';
import type { Comparison } from './comparison.ts';
import { comparisonCsv } from './print-csv.ts';
import { tableLines } from './print-table.ts';

export type OutputFormat = 'table' | 'csv' | 'json' | 'html';

export interface Output {
  readonly format: OutputFormat;
  /** Absent: standard output. */
  readonly file?: string;
}

const FORMATS: readonly OutputFormat[] = ['table', 'csv', 'json', 'html'];

/** Reads `FORMAT` or `FORMAT=FILE`. Throws a UsageError that says what there is. */
export function parseOutput(text: string): Output {
  const [name = '', ...rest] = text.split('=');
  const format = FORMATS.find((one) => one === name);
  if (format === undefined) {
    throw new UsageError(`-o ${text}: use table, csv, json or html=FILE, each also with =FILE`);
  }
  const file = rest.join('=');
  if (format === 'html' && file === '') throw new UsageError('-o html needs a file: -o html=FILE');
  return file === '' ? { format } : { format, file };
}

export function formatComparison(comparison: Comparison, format: OutputFormat): string {
  switch (format) {
    case 'table':
      return `${tableLines(comparison).join('\n')}\n`;
    case 'csv':
      return comparisonCsv(comparison);
    case 'json':
      return `${JSON.stringify(comparison, undefined, 2)}\n`;
    case 'html':
      return reportHtml(comparison);
  }
}
