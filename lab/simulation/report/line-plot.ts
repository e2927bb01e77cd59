/**
 * A plot of lines over one axis, as SVG: bands of one standard deviation, a reference line, and the names
 * at the lines' ends instead of a legend. It is complete without scripts; the script of the page adds a
 * cross-hair, for which the axes are written down in data attributes.
 */

import { type Child, element, type Markup } from './html.ts';
import { seriesClass, seriesDash } from './palette.ts';
import { linearScale, logScale, type Range, type Scale, spreadApart, tickText } from './scale.ts';

export interface Series {
  readonly name: string;
  /** Its place in the list of policies: gives the colour, the same in all plots. */
  readonly index: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Half the height of the band at each place. */
  readonly sd?: readonly number[];
}

export interface LinePlot {
  readonly label: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  /** Drawn apart from the series: what no policy can beat. */
  readonly reference?: Omit<Series, 'index' | 'sd'>;
  readonly isLogX?: boolean;
  /** The values hold until the next place, as in a distribution. */
  readonly isStepped?: boolean;
  readonly xRange?: Range;
  readonly yRange?: Range;
  readonly width: number;
  readonly height: number;
  /** Room on the right for names; 0 draws none. */
  readonly labelWidth: number;
}

const TOP = 14;
const BOTTOM = 46;
const LEFT = 54;
const LABEL_GAP = 16;

export function linePlot(plot: LinePlot): Markup {
  const { width, height } = plot;
  const right = width - Math.max(plot.labelWidth, 12);
  const frame = { left: LEFT, right, top: TOP, bottom: height - BOTTOM };
  const x = xScale(plot, { from: frame.left, to: frame.right });
  const y = yScale(plot, x, { from: frame.bottom, to: frame.top });
  const clip = `clip-${plot.label.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
  return element(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'plot',
      role: 'img',
      'aria-label': plot.label,
      'data-x': axisData(x, frame.left, frame.right, plot.isLogX === true),
      'data-y': axisData(y, frame.bottom, frame.top, false),
      'data-x-title': plot.xTitle,
    },
    element(
      'clipPath',
      { id: clip },
      element('rect', rectOf(frame.left, frame.top - 2, frame.right, frame.bottom + 2)),
    ),
    axes(plot, x, y, frame),
    element(
      'g',
      { 'clip-path': `url(#${clip})` },
      plot.series.map((one) => band(one, x, y)),
      plot.reference === undefined ? undefined : referenceLine(plot.reference, x, y),
      plot.series.map((one) => line(one, x, y, plot.isStepped === true)),
    ),
    plot.labelWidth > 0 ? labels(plot, x, y, frame) : undefined,
  );
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function xScale(plot: LinePlot, places: Range): Scale {
  const values = plot.xRange ?? rangeOf(plot.series.flatMap(({ x }) => x));
  if (plot.isLogX === true) return logScale(values, places);
  return linearScale(values, places, { isExact: true, ticks: Math.max(3, plot.width / 110) });
}

/** The lines within the x range, and their bands, fill the height. */
function yScale(plot: LinePlot, x: Scale, places: Range): Scale {
  if (plot.yRange !== undefined) return linearScale(plot.yRange, places, { ticks: 5 });
  const seen = plot.series.flatMap((one) =>
    one.y.flatMap((value, i) => {
      const at = one.x[i] ?? Number.NaN;
      const half = one.sd?.[i] ?? 0;
      return at >= x.from - 1e-9 && at <= x.to + 1e-9 ? [value - half, value + half] : [];
    }),
  );
  const reference = (plot.reference?.y ?? []).filter((_, i) => {
    const at = plot.reference?.x[i] ?? Number.NaN;
    return at >= x.from - 1e-9 && at <= x.to + 1e-9;
  });
  const range = rangeOf([...seen, ...reference]);
  // A band may reach below 0 where no value can be.
  const isPositive = plot.series.every((one) => one.y.every((value) => value >= 0));
  const from = isPositive ? Math.max(0, range.from) : range.from;
  return linearScale({ from, to: range.to }, places, { ticks: 6 });
}

export function rangeOf(values: readonly number[]): Range {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  return from <= to ? { from, to } : { from: 0, to: 1 };
}

function axes(plot: LinePlot, x: Scale, y: Scale, frame: Frame): Child {
  const middle = (frame.left + frame.right) / 2;
  return [
    element(
      'g',
      { class: 'grid' },
      y.ticks.map((tick) => lineElement(frame.left, y.place(tick), frame.right, y.place(tick))),
    ),
    element(
      'g',
      { class: 'axis' },
      y.ticks.map((tick) =>
        element(
          'text',
          { x: frame.left - 8, y: y.place(tick) + 4, 'text-anchor': 'end' },
          tickText(tick),
        ),
      ),
      x.ticks.map((tick) => [
        lineElement(x.place(tick), frame.bottom, x.place(tick), frame.bottom + 5),
        element(
          'text',
          { x: x.place(tick), y: frame.bottom + 19, 'text-anchor': 'middle' },
          tickText(tick),
        ),
      ]),
      lineElement(frame.left, frame.bottom, frame.right, frame.bottom),
      element(
        'text',
        { x: middle, y: frame.bottom + 38, 'text-anchor': 'middle', class: 'axis-title' },
        plot.xTitle,
      ),
      element(
        'text',
        {
          x: 0,
          y: 0,
          transform: `translate(13 ${(frame.top + frame.bottom) / 2}) rotate(-90)`,
          'text-anchor': 'middle',
          class: 'axis-title',
        },
        plot.yTitle,
      ),
    ),
  ];
}

function band(series: Series, x: Scale, y: Scale): Markup | undefined {
  const { sd } = series;
  if (sd?.some((value) => value > 0) !== true) return undefined;
  const upper = series.x.map((at, i) => pointText(x, y, at, (series.y[i] ?? 0) + (sd[i] ?? 0)));
  const lower = series.x.map((at, i) => pointText(x, y, at, (series.y[i] ?? 0) - (sd[i] ?? 0)));
  return element('polygon', {
    class: `band ${seriesClass(series.index)}`,
    'data-series': series.name,
    points: [...upper, ...lower.reverse()].join(' '),
  });
}

function line(series: Series, x: Scale, y: Scale, isStepped: boolean): Markup {
  return element(
    'polyline',
    {
      class: `line ${seriesClass(series.index)}`,
      'data-series': series.name,
      'stroke-dasharray': seriesDash(series.index),
      points: pointsOf(series, x, y, isStepped),
    },
    element('title', {}, series.name),
  );
}

function referenceLine(series: Omit<Series, 'index'>, x: Scale, y: Scale): Markup {
  return element(
    'polyline',
    {
      class: 'line reference',
      'data-series': series.name,
      points: pointsOf(series, x, y, false),
    },
    element('title', {}, series.name),
  );
}

function pointsOf(series: Pick<Series, 'x' | 'y'>, x: Scale, y: Scale, isStepped: boolean): string {
  const points: string[] = [];
  for (const [i, at] of series.x.entries()) {
    const value = series.y[i] ?? 0;
    const before = series.y[i - 1];
    if (isStepped && before !== undefined) points.push(pointText(x, y, at, before));
    points.push(pointText(x, y, at, value));
  }
  return points.join(' ');
}

/** The names, each at its line's end, moved apart where they would overlap. */
function labels(plot: LinePlot, x: Scale, y: Scale, frame: Frame): Child {
  const ends = [
    ...plot.series.map((one) => ({ name: one.name, index: one.index, value: endOf(one, x) })),
    ...(plot.reference === undefined
      ? []
      : [{ name: plot.reference.name, index: -1, value: endOf(plot.reference, x) }]),
  ];
  const wishes = ends.map(({ value }) =>
    Math.min(frame.bottom, Math.max(frame.top, y.place(value))),
  );
  const places = spreadApart(wishes, LABEL_GAP, { from: frame.top, to: frame.bottom });
  return element(
    'g',
    { class: 'labels' },
    ends.map(({ name, index }, i) => [
      element('path', {
        class: index < 0 ? 'leader reference' : `leader ${seriesClass(index)}`,
        d: `M${round(frame.right + 3)} ${round(wishes[i] ?? 0)}L${round(frame.right + 13)} ${round(places[i] ?? 0)}`,
      }),
      element(
        'text',
        {
          class: index < 0 ? 'name reference' : `name ${seriesClass(index)}`,
          'data-series': name,
          x: frame.right + 17,
          y: (places[i] ?? 0) + 4,
        },
        name,
      ),
    ]),
  );
}

/** The last value within the axis. */
function endOf({ x, y }: Pick<Series, 'x' | 'y'>, scale: Scale): number {
  const index = x.findLastIndex((at) => at <= scale.to + 1e-9);
  return y[Math.max(0, index)] ?? 0;
}

function lineElement(x1: number, y1: number, x2: number, y2: number): Markup {
  return element('line', { x1, y1, x2, y2 });
}

function rectOf(left: number, top: number, right: number, bottom: number) {
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function pointText(x: Scale, y: Scale, at: number, value: number): string {
  return `${round(x.place(at))},${round(y.place(value))}`;
}

function axisData(scale: Scale, from: number, to: number, isLog: boolean): string {
  return [scale.from, scale.to, from, to, isLog ? 'log' : 'linear'].join(' ');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
