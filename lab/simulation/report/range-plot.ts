/**
 * Rows of points with their intervals on one axis, as SVG: paired differences (a forest plot), and what
 * becomes of a policy under several tie-breaks.
 */

import { type Child, element, type Markup } from './html.ts';
import { seriesClass } from './palette.ts';
import { linearScale, tickText } from './scale.ts';

export interface RangeRow {
  readonly name: string;
  /** Colour of the row's name and points. */
  readonly index: number;
  readonly points: readonly RangePoint[];
  /** Written at the right. */
  readonly text: string;
}

export interface RangePoint {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The form of the point; the same number is the same thing in every row. */
  readonly shape: number;
  readonly label: string;
}

export interface RangePlot {
  readonly label: string;
  readonly xTitle: string;
  readonly rows: readonly RangeRow[];
  /** A line across all rows, such as "no difference" at 0. */
  readonly mark?: { readonly value: number; readonly text: string };
  readonly width: number;
  readonly nameWidth: number;
  readonly textWidth: number;
}

const ROW = 30;
const TOP = 22;
const BOTTOM = 46;

export function rangePlot(plot: RangePlot): Markup {
  const height = TOP + plot.rows.length * ROW + BOTTOM;
  const frame = { left: plot.nameWidth, right: plot.width - plot.textWidth };
  const ends = plot.rows.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const values = [...ends, ...(plot.mark === undefined ? [] : [plot.mark.value])];
  const x = linearScale(
    { from: Math.min(...values), to: Math.max(...values) },
    { from: frame.left, to: frame.right },
    { ticks: 6 },
  );
  const bottom = height - BOTTOM;
  return element(
    'svg',
    {
      viewBox: `0 0 ${plot.width} ${height}`,
      class: 'plot ranges',
      role: 'img',
      'aria-label': plot.label,
    },
    element(
      'g',
      { class: 'grid' },
      x.ticks.map((tick) =>
        element('line', { x1: x.place(tick), x2: x.place(tick), y1: TOP - 6, y2: bottom }),
      ),
    ),
    element(
      'g',
      { class: 'axis' },
      x.ticks.map((tick) =>
        element(
          'text',
          { x: x.place(tick), y: bottom + 18, 'text-anchor': 'middle' },
          tickText(tick),
        ),
      ),
      element(
        'text',
        {
          x: (frame.left + frame.right) / 2,
          y: bottom + 37,
          'text-anchor': 'middle',
          class: 'axis-title',
        },
        plot.xTitle,
      ),
    ),
    plot.mark === undefined ? undefined : markLine(plot.mark, x.place(plot.mark.value), bottom),
    plot.rows.map((row, i) => rowOf(row, TOP + (i + 0.5) * ROW, x.place, plot)),
  );
}

function markLine(mark: { readonly text: string }, place: number, bottom: number): Child {
  return [
    element('line', { class: 'mark', x1: place, x2: place, y1: TOP - 6, y2: bottom }),
    element('text', { class: 'mark', x: place, y: 11, 'text-anchor': 'middle' }, mark.text),
  ];
}

function rowOf(
  row: RangeRow,
  y: number,
  place: (value: number) => number,
  plot: RangePlot,
): Markup {
  const colour = seriesClass(row.index);
  return element(
    'g',
    { class: `row ${colour}`, 'data-series': row.name },
    element(
      'text',
      { class: `name ${colour}`, x: plot.nameWidth - 14, y: y + 4, 'text-anchor': 'end' },
      row.name,
    ),
    row.points.map((point) => [
      element('line', {
        class: 'whisker',
        x1: place(point.low),
        x2: place(point.high),
        y1: y,
        y2: y,
      }),
      element(
        'path',
        { class: 'point', d: shapeAt(point.shape, place(point.value), y) },
        element('title', {}, point.label),
      ),
    ]),
    element('text', { class: 'value', x: plot.width - plot.textWidth + 14, y: y + 4 }, row.text),
  );
}

/** Disc, square, diamond, triangle, cross: told apart without colour. */
export function shapeAt(shape: number, x: number, y: number): string {
  const [cx, cy] = [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
  switch (shape % 5) {
    case 0:
      return `M${cx - 5} ${cy}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z`;
    case 1:
      return `M${cx - 4.5} ${cy - 4.5}h9v9h-9z`;
    case 2:
      return `M${cx} ${cy - 6.2}l6.2 6.2l-6.2 6.2l-6.2 -6.2z`;
    case 3:
      return `M${cx} ${cy - 6}l5.8 10h-11.6z`;
    default:
      return `M${cx} ${cy + 6}l5.8 -10h-11.6z`;
  }
}
