/** The plots of the report: what is shown of each, and the words under them. */

import type { Comparison, CurveKind, Metric, PolicyOutcome } from '../compare/comparison.ts';
import {
  differenceUnit,
  directionOf,
  formatMeanSd,
  formatP,
  formatShare,
  formatSigned,
  titleWithUnit,
} from '../compare/format.ts';
import { splitMetrics } from '../compare/split-metrics.ts';
import type { CdfPoint } from '../statistics/summary.ts';
import { type Child, element } from './html.ts';
import { linePlot, rangeOf, type Series } from './line-plot.ts';
import { seriesClass } from './palette.ts';
import { type RangePoint, type RangeRow, rangePlot, shapeAt } from './range-plot.ts';
import type { Range } from './scale.ts';

const WIDE = 940;
const HALF = 460;

/** Room for the longest name at this size of type, within what leaves the plot its room. */
function nameRoom(names: readonly string[]): number {
  const letters = Math.max(...names.map((name) => shortName(name).length));
  return Math.min(215, Math.max(86, 34 + letters * 7.6));
}

const NAME_MAX = 24;

/** Long names lose their middle: the end tells them apart. */
function shortName(name: string): string {
  if (name.length <= NAME_MAX) return name;
  return `${name.slice(0, 8)}…${name.slice(-(NAME_MAX - 9))}`;
}

/** The first metrics are what it is about; the others are a click away. */
const FORESTS_SHOWN = 4;

/** Lines that are nowhere further apart than this part of the whole height need no closer look. */
const APART = 0.015;

/** A section for each kind of curve: the whole, and closer where the policies part. */
export function curveFigures(comparison: Comparison): Child {
  const labelWidth = nameRoom(comparison.policies.map(({ name }) => name));
  return comparison.curves.map((kind) => {
    const series = seriesOf(comparison.policies, kind);
    if (series.length === 0) return undefined;
    const reference = referenceOf(comparison, kind);
    const common = {
      xTitle: kind.xTitle,
      yTitle: kind.yTitle,
      series,
      ...(reference === undefined ? {} : { reference }),
    };
    const from = partFrom(series);
    const whole = busyRange(series);
    const isCloser = from > whole.from + (whole.to - whole.from) / 4;
    return element(
      'figure',
      {},
      element('h3', {}, kind.title),
      linePlot({
        ...common,
        label: kind.title,
        xRange: isCloser ? { from, to: whole.to } : whole,
        width: WIDE,
        height: 430,
        labelWidth,
      }),
      isCloser
        ? element(
            'details',
            {},
            element('summary', {}, 'The whole axis'),
            linePlot({
              ...common,
              label: `${kind.title}, whole`,
              width: WIDE,
              height: 260,
              labelWidth,
            }),
          )
        : undefined,
      element(
        'figcaption',
        {},
        `Mean of ${comparison.seeds.length} seeds; the bands are one standard deviation to each side. `,
        isCloser ? 'Shown from where the policies begin to part. ' : '',
        reference === undefined
          ? ''
          : 'The dotted line is the bound: whatever the policy, and however much it knows of what is to come, it stays below.',
      ),
    );
  });
}

export function distributionFigures(comparison: Comparison): Child {
  const figures = comparison.distributions.map((kind) => {
    const all = comparison.policies.map((policy, index) => ({
      name: shortName(policy.name),
      index,
      points: policy.distributions[kind.name] ?? [],
    }));
    const least = Math.min(
      ...all.flatMap(({ points }) => points.map(({ value }) => value)).filter((v) => v > 0),
    );
    const series: readonly Series[] = all
      .filter(({ points }) => points.length > 0)
      .map(({ name, index, points }) => ({
        name,
        index,
        // A logarithmic axis has no 0: what is below the least value stands at it.
        x: points.map(({ value }) => Math.max(value, least)),
        y: points.map(({ part }) => part * 100),
      }));
    if (series.length === 0 || !Number.isFinite(least)) return undefined;
    const xRange = middleOf(all.map(({ points }) => points));
    return element(
      'figure',
      {},
      element('h3', {}, kind.title),
      linePlot({
        label: kind.title,
        xTitle: kind.xTitle,
        yTitle: 'pods, %',
        series,
        isLogX: true,
        isStepped: true,
        ...(xRange === undefined ? {} : { xRange }),
        yRange: { from: 0, to: 100 },
        width: HALF,
        height: 320,
        labelWidth: 0,
      }),
      element(
        'ul',
        { class: 'names' },
        series.map(({ name, index }) =>
          element('li', { class: seriesClass(index), 'data-series': name }, name),
        ),
      ),
    );
  });
  const shown = figures.filter((figure) => figure !== undefined);
  if (shown.length === 0) return undefined;
  return [
    element('h2', {}, 'What pods waited for'),
    element(
      'p',
      { class: 'lead' },
      'The part of all pods, of all seeds, that had to wait at most so long. Further left is better; the axis is logarithmic, and 0 stands at its left end.',
    ),
    element('div', { class: 'pair' }, shown),
  ];
}

/** Paired differences to the baseline, a panel for each metric that has any spread. */
export function forestFigures(comparison: Comparison): Child {
  const figures = splitMetrics(comparison).distinct.map((metric) => {
    const rows: RangeRow[] = comparison.policies.flatMap(({ name, outcomes }, index) => {
      const difference = outcomes[metric.name]?.difference;
      if (difference === undefined) return [];
      const { low, high, mean } = difference;
      const text = formatSigned(mean, metric);
      const point: RangePoint = {
        value: mean,
        low: low ?? mean,
        high: high ?? mean,
        shape: 0,
        label: `${name}: ${text} ${differenceUnit(metric)}`,
      };
      const p = difference.pairs > 1 ? `, p ${pText(difference.p)}` : '';
      return [{ name: shortName(name), index, points: [point], text: `${text}${p}` }];
    });
    const isFlat = rows.every(({ points }) =>
      points.every(({ low, high }) => low === 0 && high === 0),
    );
    if (rows.length === 0 || isFlat) return undefined;
    const direction = directionOf(metric);
    return element(
      'figure',
      {},
      element(
        'h3',
        {},
        metric.title,
        direction === '' ? '' : element('span', { class: 'soft' }, ` · ${direction}`),
      ),
      rangePlot({
        label: `${metric.title}: paired differences to ${comparison.baseline}`,
        xTitle: `difference to ${comparison.baseline}${differenceUnit(metric) === '' ? '' : `, ${differenceUnit(metric)}`}`,
        rows,
        mark: { value: 0, text: `as ${comparison.baseline}` },
        width: HALF,
        nameWidth: nameRoom(comparison.policies.map(({ name }) => name)) - 14,
        textWidth: 118,
      }),
    );
  });
  const shown = figures.filter((figure) => figure !== undefined);
  if (shown.length === 0) return undefined;
  return [
    element('h2', {}, `Against ${comparison.baseline}, on the same arrivals`),
    element(
      'p',
      { class: 'lead' },
      'Each point is the mean of the differences within a seed, each line a 95 % bootstrap interval of it (BCa). Where the line does not reach the dashed one, the difference is more than chance.',
    ),
    element('div', { class: 'pair' }, shown.slice(0, FORESTS_SHOWN)),
    shown.length <= FORESTS_SHOWN
      ? undefined
      : element(
          'details',
          {},
          element('summary', {}, `${shown.length - FORESTS_SHOWN} more metrics`),
          element('div', { class: 'pair' }, shown.slice(FORESTS_SHOWN)),
        ),
  ];
}

export function tieBreakFigure(comparison: Comparison): Child {
  const { tieBreaks, metrics, policies } = comparison;
  const metric = metrics.find(({ name }) => name === tieBreaks[0]?.metric);
  if (metric === undefined) return undefined;
  const rules = [...new Set(tieBreaks.flatMap(({ results }) => results.map((r) => r.tieBreak)))];
  const rows: RangeRow[] = tieBreaks.map(({ policy, results }) => {
    const means = results.map(({ mean }) => mean);
    const spread = Math.max(...means) - Math.min(...means);
    const tied = Math.max(...results.map(({ tiedShare }) => tiedShare ?? 0));
    return {
      name: shortName(policy),
      index: policies.findIndex(({ name }) => name === policy),
      points: results.map(({ tieBreak, mean, sd }) => ({
        value: mean,
        low: mean - sd,
        high: mean + sd,
        shape: rules.indexOf(tieBreak),
        label: `${policy}, ${tieBreak}: ${formatMeanSd({ mean, sd }, metric)}`,
      })),
      text: `${spread.toFixed(metric.digits)} ${differenceUnit(metric)} apart, ${formatShare(tied)} tied`,
    };
  });
  return [
    element('h2', {}, 'How much of it is the tie-break'),
    element(
      'p',
      { class: 'lead' },
      'Scores are whole numbers, so several nodes often share the best total. Which of them is taken is part of the policy, whether its author meant it or not. Policies that name their own rule keep it.',
    ),
    element(
      'figure',
      {},
      rangePlot({
        label: `${metric.title} under each tie-break`,
        xTitle: titleWithUnit(metric),
        rows,
        width: WIDE,
        nameWidth: nameRoom(policies.map(({ name }) => name)),
        textWidth: 230,
      }),
      element(
        'ul',
        { class: 'legend' },
        rules.map((rule, shape) =>
          element(
            'li',
            {},
            element(
              'svg',
              { viewBox: '-8 -8 16 16', 'aria-hidden': 'true' },
              element('path', { d: shapeAt(shape, 0, 0) }),
            ),
            TIE_BREAKS[rule] ?? rule,
          ),
        ),
      ),
    ),
  ];
}

const TIE_BREAKS: Readonly<Record<string, string>> = {
  name: 'name: the smallest node name',
  first: 'first: the first in the order of the nodes',
  random: 'random: any of them (kube-scheduler up to 1.34)',
  heap135: 'heap135: the root of a heap (kube-scheduler 1.35 and 1.36)',
};

function seriesOf(policies: readonly PolicyOutcome[], kind: CurveKind): readonly Series[] {
  return policies.flatMap(({ name, curves }, index) => {
    const curve = curves[kind.name];
    if (curve === undefined || curve.x.length === 0) return [];
    return [{ name: shortName(name), index, x: curve.x, y: curve.mean, sd: curve.sd }];
  });
}

function referenceOf({ bounds }: Comparison, kind: CurveKind) {
  const curve = bounds.find((bound) => bound.curve?.name === kind.name)?.curve;
  return curve === undefined ? undefined : { name: 'bound', x: curve.x, y: curve.y };
}

/** The axis without the time after all have come to 0 for good. */
function busyRange(series: readonly Series[]): Range {
  const whole = rangeOf(series.flatMap(({ x }) => x));
  const ends = series.map(({ x, y }) => {
    const last = y.findLastIndex((value) => value > 0);
    return x[last + 1] ?? whole.to;
  });
  const to = Math.max(whole.from, ...ends);
  return { from: whole.from, to: to > whole.from ? to : whole.to };
}

/** Where on the axis the series begin to differ, with a little before it; its start when they do at once. */
function partFrom(series: readonly Series[]): number {
  const first = series[0];
  if (first === undefined) return 0;
  const { from, to } = rangeOf(series.flatMap(({ y }) => y));
  const axis = rangeOf(first.x);
  const index = first.x.findIndex((_, i) => {
    const { from: low, to: high } = rangeOf(series.map(({ y }) => y[i] ?? Number.NaN));
    return high - low > (to - from) * APART;
  });
  const start = first.x[index] ?? axis.from;
  return Math.max(axis.from, start - (axis.to - start) * 0.12);
}

/** From where a hundredth of the pods of some policy is, to where hardly any pod of any is left. */
function middleOf(distributions: readonly (readonly CdfPoint[])[]): Range | undefined {
  const lows: number[] = [];
  const highs: number[] = [];
  for (const points of distributions) {
    const positive = points.filter(({ value }) => value > 0);
    const low = positive.find(({ part }) => part >= 0.01)?.value;
    const high = positive.find(({ part }) => part >= 0.995)?.value;
    if (low !== undefined) lows.push(low);
    if (high !== undefined) highs.push(high);
  }
  if (lows.length === 0 || highs.length === 0) return undefined;
  const range = { from: Math.min(...lows), to: Math.max(...highs) };
  return range.to > range.from ? range : undefined;
}

function pText(p: number): string {
  const text = formatP(p);
  return text.startsWith('<') ? text : `= ${text}`;
}

/** The primary metric of a comparison. */
export function primaryMetric({ metrics, primary }: Comparison): Metric | undefined {
  return metrics.find(({ name }) => name === primary) ?? metrics[0];
}
