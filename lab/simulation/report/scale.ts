/** Axes: from values to places on the page, and round numbers to mark. */

export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  /** The place of a value; outside the axis it goes on beyond it. */
  readonly place: (value: number) => number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Covers the values with round ends, or exactly when `isExact`; ticks at steps of 1, 2 or 5. */
export function linearScale(
  values: Range,
  places: Range,
  options: { readonly ticks?: number; readonly isExact?: boolean } = {},
): Scale {
  // One value, or values that only rounding tells apart, have an axis of their own size.
  const size = Math.max(Math.abs(values.from), Math.abs(values.to));
  const isOne = values.to - values.from <= size * 1e-9;
  const span = isOne ? size || 1 : values.to - values.from;
  const step = roundStep(span / (options.ticks ?? 6));
  const isExact = options.isExact === true;
  const from = isExact ? values.from : Math.floor(values.from / step + 1e-9) * step;
  const to = isExact ? values.from + span : Math.ceil((values.from + span) / step - 1e-9) * step;
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  const width = to - from || 1;
  return {
    from,
    to,
    ticks,
    place: (value) => places.from + ((value - from) / width) * (places.to - places.from),
  };
}

/** Powers of ten (and what lies between, when there are few). Values must be above 0. */
export function logScale(values: Range, places: Range): Scale {
  const low = Math.log10(values.from);
  const high = Math.max(Math.log10(values.to), low + 0.3);
  const ticks: number[] = [];
  const inner = high - low < 2.2 ? [1, 2, 5] : [1];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const factor of inner) {
      const tick = factor * 10 ** power;
      const at = Math.log10(tick);
      if (at >= low - 1e-9 && at <= high + 1e-9) ticks.push(Number(tick.toPrecision(12)));
    }
  }
  return {
    from: values.from,
    to: 10 ** high,
    ticks,
    place: (value) =>
      places.from + ((Math.log10(value) - low) / (high - low)) * (places.to - places.from),
  };
}

/** As few digits as tell the ticks apart: `0.25`, `1,500`, `20k`, `3M`. */
export function tickText(tick: number): string {
  const size = Math.abs(tick);
  const sign = tick < 0 ? '−' : '';
  if (size >= 1e6) return `${sign}${Number((size / 1e6).toPrecision(4))}M`;
  if (size >= 10_000) return `${sign}${Number((size / 1000).toPrecision(4))}k`;
  return `${sign}${Number(size.toPrecision(6))}`;
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** Moves places apart until they are `gap` from each other, as little as may be, within the limits. */
export function spreadApart(
  places: readonly number[],
  gap: number,
  limits: Range,
): readonly number[] {
  const order = places.map((place, index) => ({ place, index }));
  order.sort((a, b) => a.place - b.place || a.index - b.index);
  // Runs of labels that touch move as one, centred on where they would like to be.
  const runs: { wish: number; items: number[] }[] = [];
  for (const { place, index } of order) {
    runs.push({ wish: place, items: [index] });
    for (;;) {
      const last = runs.at(-1);
      const before = runs.at(-2);
      if (last === undefined || before === undefined) break;
      const need = ((last.items.length + before.items.length) / 2) * gap;
      if (last.wish - before.wish >= need) break;
      const count = last.items.length + before.items.length;
      const wish = (last.wish * last.items.length + before.wish * before.items.length) / count;
      runs.splice(-2, 2, { wish, items: [...before.items, ...last.items] });
    }
  }
  const ordered = runs.flatMap(({ wish, items }) =>
    items.map((index, i) => ({ index, place: wish + (i - (items.length - 1) / 2) * gap })),
  );
  let least = limits.from;
  for (const item of ordered) {
    item.place = Math.max(item.place, least);
    least = item.place + gap;
  }
  let most = limits.to;
  const result = [...places];
  for (const { index, place } of ordered.reverse()) {
    result[index] = Math.min(place, most);
    most = Math.min(place, most) - gap;
  }
  return result;
}
