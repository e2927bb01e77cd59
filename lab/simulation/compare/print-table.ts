/** A comparison in the terminal: a block for each metric, then how the policies part, then the hashes. */

import { alignColumns } from '../../../cli/printers/table.ts';
import type {
  Bound,
  Comparison,
  DecisionDiff,
  Metric,
  MetricOutcome,
  TieBreakOutcome,
} from './comparison.ts';
import {
  differenceUnit,
  directionOf,
  formatCount,
  formatMeanSd,
  formatNumber,
  formatP,
  formatShare,
  formatSigned,
  titleWithUnit,
} from './format.ts';
import { splitMetrics } from './split-metrics.ts';

/** The lines, without line ends. */
export function tableLines(comparison: Comparison): readonly string[] {
  const { policies, seeds, baseline, metrics, provenance } = comparison;
  const lines = [
    `${comparison.title}: ${counted(policies.length, 'policy', 'policies')}, ` +
      `${counted(seeds.length, 'seed', 'seeds')} (${seedText(seeds)}), baseline ${baseline}`,
    '',
  ];
  const { distinct, same } = splitMetrics(comparison);
  for (const metric of distinct.slice(0, METRICS_IN_FULL)) {
    lines.push(...metricLines(comparison, metric), '');
  }
  lines.push(...section(OTHERS, otherLines(comparison, distinct.slice(METRICS_IN_FULL))));
  lines.push(
    ...section(
      'The same under every policy',
      same.map(
        ({ metric, outcome }) => `${titleWithUnit(metric)}: ${formatMeanSd(outcome, metric)}`,
      ),
    ),
  );
  if (seeds.length > 1) lines.push(...LEGEND, '');
  lines.push(...section('How they part from the baseline', diffLines(comparison.decisionDiffs)));
  lines.push(...section('Ties', tieLines(comparison.tieBreaks, metrics)));
  lines.push(...section('Notes', comparison.notes));
  lines.push(
    ...alignColumns([
      ['trace', short(provenance.traceHash)],
      ['config', short(provenance.configHash)],
      ['version', provenance.skiffVersion],
      ['seeds', seedText(seeds)],
      ['result', short(provenance.resultHash)],
      ['repeat', provenance.command],
    ]),
  );
  return lines;
}

/** So many blocks fill a screen; CSV, JSON and HTML have all in full. */
const METRICS_IN_FULL = 4;

const OTHERS =
  'Other metrics: means; * where the interval of the difference to the baseline leaves out 0';

/** A row for each metric, a column for each policy. */
function otherLines({ policies }: Comparison, metrics: readonly Metric[]): readonly string[] {
  if (metrics.length === 0) return [];
  const head = ['METRIC', ...policies.map(({ name }) => name.toUpperCase())];
  const rows = metrics.map((metric) => [
    titleWithUnit(metric),
    ...policies.map(({ outcomes }) => {
      const outcome = outcomes[metric.name];
      if (outcome === undefined) return 'n/a';
      const { low = null, high = null } = outcome.difference ?? {};
      const isSure = low !== null && high !== null && (low > 0 || high < 0);
      return `${formatNumber(outcome.mean, metric)}${isSure ? '*' : ''}`;
    }),
  ]);
  return alignColumns([head, ...rows]);
}

const LEGEND = [
  'DIFFERENCE is to the baseline, seed by seed on the same arrivals, with a 95 % bootstrap interval (BCa);',
  "P is Wilcoxon's signed-rank test; SEEDS: on how many it is above, of how many.",
];

function metricLines(comparison: Comparison, metric: Metric): readonly string[] {
  const bound = comparison.bounds.find((one) => one.metric === metric.name);
  const rows = comparison.policies.map(({ name, outcomes }) =>
    outcomeRow(name, outcomes[metric.name], metric, comparison),
  );
  const direction = directionOf(metric);
  return [
    `${titleWithUnit(metric)}${direction === '' ? '' : ` (${direction})`}`,
    ...alignColumns([
      ['POLICY', 'MEAN ± SD', 'DIFFERENCE', '95 % INTERVAL', 'P', 'SEEDS', 'GAP CLOSED'],
      ...rows,
      ...(bound === undefined ? [] : [boundRow(bound, metric)]),
    ]).map((line) => `  ${line}`),
    ...(bound === undefined ? [] : [`  bound: ${bound.how}`]),
  ];
}

function outcomeRow(
  name: string,
  outcome: MetricOutcome | undefined,
  metric: Metric,
  { baseline }: Comparison,
): readonly string[] {
  if (outcome === undefined) return [name, 'n/a', '', '', '', '', ''];
  const { difference, gapClosed } = outcome;
  const gap = gapClosed === undefined ? '' : formatShare(gapClosed);
  const value = formatMeanSd(outcome, metric);
  if (difference === undefined) {
    return [name, value, name === baseline ? 'baseline' : '', '', '', '', gap];
  }
  const { low, high, pairs, above } = difference;
  return [
    name,
    value,
    `${formatSigned(difference.mean, metric)} ${differenceUnit(metric)}`.trim(),
    low === null ? '' : `[${formatSigned(low, metric)}, ${formatSigned(high, metric)}]`,
    pairs > 1 ? formatP(difference.p) : '',
    `${above}/${pairs}`,
    gap,
  ];
}

function boundRow(bound: Bound, metric: Metric): readonly string[] {
  return ['(bound)', formatMeanSd(bound, metric), '', '', '', '', '100 %'];
}

function diffLines(diffs: readonly DecisionDiff[]): readonly string[] {
  return diffs.flatMap((diff) => {
    const share = diff.decisions === 0 ? 0 : diff.different / diff.decisions;
    const head =
      `${diff.policy}, seed ${diff.seed}: ${formatShare(share)} of ${formatCount(diff.decisions)} pods are elsewhere; ` +
      `placed only here ${diff.placedHereOnly}, only by ${diff.baseline} ${diff.placedThereOnly}`;
    if (diff.first === undefined) return [`${head}.`];
    return [`${head}.`, `  ${diff.first.reason}`];
  });
}

function tieLines(
  tieBreaks: readonly TieBreakOutcome[],
  metrics: readonly Metric[],
): readonly string[] {
  const first = tieBreaks[0];
  if (first === undefined) return [];
  const metric = metrics.find(({ name }) => name === first.metric);
  if (metric === undefined) return [];
  const names = first.results.map(({ tieBreak }) => tieBreak);
  const rows = tieBreaks.map(({ policy, results }) => [
    policy,
    ...results.map((result) => formatMeanSd(result, metric)),
    results[0]?.tiedShare == null ? 'n/a' : formatShare(results[0].tiedShare),
  ]);
  return [
    `${titleWithUnit(metric)}, when equal totals are broken by`,
    ...alignColumns([['POLICY', ...names.map((name) => name.toUpperCase()), 'TIED'], ...rows]),
    'TIED: the part of the decisions with more than one best node, under the first rule.',
    'Policies that name their own rule keep it.',
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ''];
}

function seedText(seeds: readonly number[]): string {
  const isRange = seeds.length > 2 && seeds.every((seed, i) => seed === (seeds[0] ?? 0) + i);
  return isRange ? `${seeds[0]}..${seeds.at(-1)}` : seeds.join(', ');
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Enough of a hash to tell two apart at a glance; JSON and HTML have all of it. */
function short(hash: string): string {
  return hash.slice(0, 16);
}
