/** The parts of the report that are words and tables: the finding, the numbers, the story, the provenance. */

import type {
  Choice,
  Comparison,
  DecisionDiff,
  Metric,
  MetricOutcome,
  PluginPoints,
  PolicyOutcome,
} from '../compare/comparison.ts';
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
} from '../compare/format.ts';
import { splitMetrics } from '../compare/split-metrics.ts';
import { type Child, element, type Markup } from './html.ts';
import { seriesClass } from './palette.ts';
import { primaryMetric } from './plots-section.ts';

/** What came out, in a few sentences that follow from the numbers. */
export function finding(comparison: Comparison): Child {
  const metric = primaryMetric(comparison);
  if (metric === undefined) return undefined;
  const ranked = rank(comparison.policies, metric);
  const best = ranked[0];
  if (best === undefined) return undefined;
  const outcome = best.outcomes[metric.name];
  if (outcome === undefined) return undefined;
  const bound = comparison.bounds.find((one) => one.metric === metric.name);
  const value = withUnit(formatNumber(outcome.mean, metric), metric.unit);
  return element(
    'p',
    { class: 'finding' },
    element('b', { class: seriesClass(comparison.policies.indexOf(best)) }, best.name),
    metric.better === 'neither' ? ' has most of ' : ' comes out best on ',
    `${lowerFirst(metric.title)}: `,
    element('b', {}, value),
    differenceText(outcome, metric, comparison),
    bound === undefined
      ? ''
      : `. No policy can ${metric.better === 'lower' ? 'go below' : 'exceed'} ${withUnit(formatNumber(bound.mean, metric), metric.unit)}`,
    outcome.gapClosed === undefined
      ? ''
      : `; ${best.name} goes ${formatShare(outcome.gapClosed)} of the way there from random placement`,
    '.',
  );
}

/** A larger p leaves the usual doubt. */
const CHANCE = 0.05;

function differenceText(outcome: MetricOutcome, metric: Metric, comparison: Comparison): string {
  const { difference } = outcome;
  if (difference === undefined) return ', and it is the baseline';
  const { low, high, pairs, above, below, p } = difference;
  const size = formatNumber(Math.abs(difference.mean), metric);
  const side = difference.mean >= 0 ? 'above' : 'below';
  const interval =
    low === null
      ? ''
      : ` (95 % interval ${formatSigned(low, metric)} to ${formatSigned(high, metric)}`;
  const seeds = difference.mean >= 0 ? above : below;
  const sure =
    pairs < 2
      ? ''
      : `${interval}, p ${/^</.test(formatP(p)) ? '' : '= '}${formatP(p)}, on ${seeds} of ${pairs} seeds${p > CHANCE ? ': it may be chance' : ''})`;
  return `, ${withUnit(size, differenceUnit(metric))} ${side} ${comparison.baseline}${sure}`;
}

/** Every metric of every policy; the best mean is marked. What is the same for all is a sentence. */
export function metricsTable(comparison: Comparison): Child {
  const { policies, bounds } = comparison;
  const { distinct, same } = splitMetrics(comparison);
  const hasGap = policies.some(({ outcomes }) =>
    Object.values(outcomes).some(({ gapClosed }) => gapClosed !== undefined),
  );
  const columns = [
    'mean ± sd',
    `to ${comparison.baseline}`,
    '95 % interval',
    'p',
    'seeds above',
    ...(hasGap ? ['gap closed'] : []),
  ];
  const table = element(
    'div',
    { class: 'table' },
    element(
      'table',
      { id: 'metrics' },
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', {}, 'policy'),
          columns.map((text) => element('th', {}, text)),
        ),
      ),
      element(
        'tbody',
        {},
        distinct.map((metric) => {
          const bound = bounds.find((one) => one.metric === metric.name);
          const best = metric.better === 'neither' ? undefined : rank(policies, metric)[0];
          const direction = directionOf(metric);
          return [
            element(
              'tr',
              { class: 'metric' },
              element(
                'th',
                { colspan: columns.length + 1 },
                titleWithUnit(metric),
                direction === '' ? '' : element('span', {}, ` · ${direction}`),
              ),
            ),
            policies.map((policy, index) =>
              metricRow(policy, index, metric, {
                isBest: policy === best,
                hasGap,
                baseline: comparison.baseline,
              }),
            ),
            bound === undefined
              ? undefined
              : element(
                  'tr',
                  { class: 'bound', title: bound.how },
                  element('th', {}, 'bound'),
                  element('td', {}, formatMeanSd(bound, metric)),
                  element('td', {}),
                  element('td', {}),
                  element('td', {}),
                  element('td', {}),
                  hasGap ? element('td', {}, '100 %') : undefined,
                ),
          ];
        }),
      ),
    ),
  );
  if (same.length === 0) return table;
  const texts = same.map(
    ({ metric, outcome }) =>
      `${lowerFirst(titleWithUnit(metric))} ${formatMeanSd(outcome, metric)}`,
  );
  return [
    table,
    element('p', { class: 'soft' }, `The same under every policy: ${texts.join('; ')}.`),
  ];
}

function metricRow(
  policy: PolicyOutcome,
  index: number,
  metric: Metric,
  options: { readonly isBest: boolean; readonly hasGap: boolean; readonly baseline: string },
): Markup {
  const outcome = policy.outcomes[metric.name];
  const difference = outcome?.difference;
  const cells =
    difference === undefined
      ? [policy.name === options.baseline ? 'baseline' : '', '', '', '']
      : [
          formatSigned(difference.mean, metric),
          difference.low === null
            ? ''
            : `${formatSigned(difference.low, metric)} to ${formatSigned(difference.high, metric)}`,
          difference.pairs > 1 ? formatP(difference.p) : '',
          `${difference.above}/${difference.pairs}`,
        ];
  const gap = outcome?.gapClosed === undefined ? '' : formatShare(outcome.gapClosed);
  const value = outcome === undefined ? 'n/a' : formatMeanSd(outcome, metric);
  return element(
    'tr',
    { 'data-policy': policy.name, 'data-metric': metric.name },
    element('th', { class: seriesClass(index) }, policy.name),
    element('td', {}, options.isBest ? element('mark', {}, value) : value),
    cells.map((text) => element('td', {}, text)),
    options.hasGap ? element('td', {}, gap) : undefined,
  );
}

/** Where each policy first did something else than the baseline, and how far they came apart. */
export function decisionStories(comparison: Comparison): Child {
  if (comparison.decisionDiffs.length === 0) return undefined;
  return [
    element('h2', {}, 'Where they part'),
    element(
      'p',
      { class: 'lead' },
      'The same pods arrive in the same order. Up to the first pod that is placed otherwise, both have seen the same cluster; what follows, follows from it.',
    ),
    comparison.decisionDiffs.map((diff) => story(diff, comparison)),
  ];
}

function story(diff: DecisionDiff, comparison: Comparison): Markup {
  const share = diff.decisions === 0 ? 0 : diff.different / diff.decisions;
  const index = comparison.policies.findIndex(({ name }) => name === diff.policy);
  const { first } = diff;
  return element(
    'div',
    { class: 'story' },
    element(
      'h3',
      {},
      element('span', { class: seriesClass(index) }, diff.policy),
      ` and ${diff.baseline}, seed ${diff.seed}`,
    ),
    first === undefined
      ? element('p', {}, 'Every pod is placed alike.')
      : element('p', {}, `${first.reason} The pod asks for ${first.podText}.`),
    first === undefined ? undefined : choicesTable(first.sides),
    element(
      'p',
      { class: 'soft' },
      `In the end ${formatShare(share)} of ${formatCount(diff.decisions)} pods are on another node. ${formatCount(diff.placedHereOnly)} pods were placed only by ${diff.policy}, ${formatCount(diff.placedThereOnly)} only by ${diff.baseline}.`,
    ),
  );
}

/** What each of the two did, a column each. */
function choicesTable(sides: readonly Choice[]): Markup {
  const row = (name: string, textOf: (choice: Choice) => Child): Markup =>
    element(
      'tr',
      {},
      element('th', {}, name),
      sides.map((side) => element('td', {}, textOf(side))),
    );
  const plugins = [...new Set(sides.flatMap(({ points }) => points.map(({ plugin }) => plugin)))];
  return element(
    'table',
    {},
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', {}),
        sides.map(({ policy }) => element('th', {}, policy)),
      ),
    ),
    element(
      'tbody',
      {},
      row('takes', ({ node }) => node ?? 'no node'),
      row('nodes that fit', ({ feasible }) => formatCount(feasible)),
      plugins.flatMap((plugin) => [
        row(`points of ${plugin}`, ({ points }) => pointsText(points, plugin)),
        sides.some(({ rivalPoints }) => rivalPoints?.some((one) => one.plugin === plugin))
          ? row('… for the other’s node', ({ rivalPoints = [] }) => pointsText(rivalPoints, plugin))
          : [],
      ]),
      row('equal best nodes', ({ ties }) => (ties > 0 ? formatCount(ties) : '')),
      row('ahead of the next by', ({ margin }) => (margin === null ? '' : String(margin))),
    ),
  );
}

function pointsText(points: readonly PluginPoints[], plugin: string): string {
  return String(points.find((one) => one.plugin === plugin)?.points ?? '');
}

export function provenance(comparison: Comparison): Child {
  const { provenance: from, seeds, bounds } = comparison;
  const rows: readonly (readonly [string, Child])[] = [
    ...from.facts,
    ['seeds', seeds.join(', ')],
    ['version', from.skiffVersion],
    ['trace hash', element('code', {}, from.traceHash)],
    ['config hash', element('code', {}, from.configHash)],
    ['result hash', element('code', {}, from.resultHash)],
    ...bounds.map(({ metric, how }) => [`bound of ${titleOf(comparison, metric)}`, how] as const),
  ];
  return [
    element('h2', {}, 'To repeat it'),
    element('p', {}, 'The same inputs, seeds and version give the same result hash, bit by bit:'),
    element('pre', {}, from.command),
    element(
      'dl',
      {},
      rows.map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
    ),
    element(
      'details',
      {},
      element('summary', {}, `The ${from.runs.length} runs`),
      element(
        'div',
        { class: 'table' },
        element(
          'table',
          {},
          element(
            'thead',
            {},
            element(
              'tr',
              {},
              ['policy', 'seed', 'arrivals', 'result'].map((text) => element('th', {}, text)),
            ),
          ),
          element(
            'tbody',
            {},
            from.runs.map(({ policy, seed, traceHash, resultHash }) =>
              element(
                'tr',
                {},
                element('th', {}, policy),
                [seed, traceHash.slice(0, 16), resultHash.slice(0, 16)].map((text) =>
                  element('td', {}, element('code', {}, text)),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}

/** What a reader must not conclude from a simulation. */
export function leftOut(comparison: Comparison): Child {
  return [
    element('h2', {}, 'What is left out'),
    element(
      'ul',
      { class: 'plain' },
      [...comparison.notes, ...LIMITS].map((text) => element('li', {}, text)),
    ),
  ];
}

const LIMITS = [
  'Decisions take no time, and binding never fails: there is no API server, no network and no other scheduler in between.',
  'Pods use what they request and run as long as the trace says, whatever runs beside them.',
  'Images need no pulling; volumes, and what the nodes do at run time, are not simulated.',
  'The intervals are about the seeds (which arrivals come in which order). They say nothing of other clusters or other traces.',
];

/** Best first; those without a number last. */
function rank(policies: readonly PolicyOutcome[], metric: Metric): readonly PolicyOutcome[] {
  const sign = metric.better === 'lower' ? 1 : -1;
  const keyOf = ({ outcomes }: PolicyOutcome): number =>
    (outcomes[metric.name]?.mean ?? Number.NaN) * sign;
  return policies
    .filter((policy) => Number.isFinite(keyOf(policy)))
    .toSorted((a, b) => keyOf(a) - keyOf(b));
}

function titleOf({ metrics }: Comparison, name: string): string {
  return lowerFirst(metrics.find((metric) => metric.name === name)?.title ?? name);
}

/** `GPU allocation` keeps its capitals. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function withUnit(text: string, unit: string): string {
  return unit === '' ? text : `${text} ${unit}`;
}
