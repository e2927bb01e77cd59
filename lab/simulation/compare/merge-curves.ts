/** The curves of one policy's runs, made one: the mean over the seeds at common places of the x axis. */

import { mean, standardDeviation } from '../statistics/summary.ts';
import type { Curve } from './comparison.ts';

/** Steps: y holds from its x on to the next one. x ascends. */
export interface Steps {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** So many places are enough for a plot a screen wide. */
export const CURVE_POINTS = 131;

/** Over the part of the axis that all of them have, at even distances. */
export function mergeCurves(curves: readonly Steps[], points = CURVE_POINTS): Curve {
  const known = curves.filter(({ x }) => x.length > 0);
  const from = Math.max(...known.map(({ x }) => x[0] ?? 0));
  const to = Math.min(...known.map(({ x }) => x.at(-1) ?? 0));
  if (known.length === 0 || to < from) return { x: [], mean: [], sd: [] };
  const x = Array.from({ length: points }, (_, i) => from + ((to - from) * i) / (points - 1));
  const columns = x.map((place) => known.map((curve) => valueAt(curve, place)));
  return { x, mean: columns.map(mean), sd: columns.map(standardDeviation) };
}

/** The y of the last step at or before this place. */
export function valueAt({ x, y }: Steps, place: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return y[Math.max(0, low - 1)] ?? Number.NaN;
}
