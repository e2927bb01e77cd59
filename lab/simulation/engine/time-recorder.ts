/**
 * The state of the cluster over time: the area under each curve, exactly, and the curve itself in at
 * most a thousand points on an even grid. The areas are of the time in which pods come; when all come
 * at once, of the whole run.
 */

import type { TimeSeries } from '../result/run-result.ts';
import { Growing } from './growing.ts';
import type { RunState } from './run-state.ts';

export const GRID_POINTS = 1_000;

export class TimeRecorder {
  readonly #state: RunState;
  readonly #tenantOf: readonly number[];
  readonly #windowEndMs: number;
  readonly #windowStartMs: number;
  /** By resource: the part of now, and the area so far. */
  readonly #parts: number[];
  readonly #areas: number[];
  /** By tenant: amounts held by resource, the dominant share of now, and its area so far. */
  readonly #held: readonly number[][];
  readonly #shares: number[];
  readonly #shareAreas: number[];
  readonly #timeMs = new Growing((length) => new Float64Array(length));
  readonly #allocated: readonly Growing<Float64Array>[];
  readonly #running = new Growing((length) => new Uint32Array(length));
  readonly #waiting = new Growing((length) => new Uint32Array(length));
  #lastMs = 0;

  constructor(state: RunState) {
    const { resources, arrivals } = state.scenario;
    this.#state = state;
    const tenants = [...new Set(arrivals.podClasses.map(({ tenant }) => tenant))];
    this.#tenantOf = arrivals.podClasses.map(({ tenant }) => tenants.indexOf(tenant));
    this.#windowStartMs = arrivals.arrivalMs[0] ?? 0;
    const lastMs = arrivals.arrivalMs.at(-1) ?? 0;
    this.#windowEndMs = lastMs > this.#windowStartMs ? lastMs : Number.POSITIVE_INFINITY;
    this.#parts = resources.map(() => 0);
    this.#areas = resources.map(() => 0);
    this.#held = tenants.map(() => resources.map(() => 0));
    this.#shares = tenants.map(() => 0);
    this.#shareAreas = tenants.map(() => 0);
    this.#allocated = resources.map(() => new Growing((length) => new Float64Array(length)));
  }

  /** A pod of this class has got a node, or has left it. */
  change(nowMs: number, podClass: number, times: 1 | -1): void {
    this.#pass(nowMs);
    const tenant = this.#tenantOf[podClass] ?? 0;
    const held = this.#held[tenant] ?? [];
    const requests = this.#state.scenario.arrivals.podClasses[podClass]?.requests ?? [];
    let share = 0;
    for (const [index, amount] of requests.entries()) {
      const whole = this.#state.meter.capacity[index] ?? 0;
      held[index] = (held[index] ?? 0) + times * amount;
      if (whole > 0) share = Math.max(share, (held[index] ?? 0) / whole);
    }
    this.#shares[tenant] = share;
  }

  /** After every change. */
  observe(nowMs: number, running: number, waiting: number): void {
    this.#pass(nowMs);
    this.#timeMs.push(nowMs);
    for (const [index, column] of this.#allocated.entries()) {
      const part = this.#state.meter.part(index);
      this.#parts[index] = part;
      column.push(part);
    }
    this.#running.push(running);
    this.#waiting.push(waiting);
  }

  take(): {
    readonly byTime: TimeSeries;
    /** Mean over time, by resource. */
    readonly overTime: readonly number[];
    /** Mean over time, by tenant. */
    readonly dominantShares: readonly number[];
  } {
    const lengthMs = Math.min(this.#lastMs, this.#windowEndMs) - this.#windowStartMs;
    const perLength = (area: number): number => area / lengthMs;
    return {
      byTime: this.#thinned(),
      overTime: this.#areas.map(perLength),
      dominantShares: this.#shareAreas.map(perLength),
    };
  }

  /** What held until now has held that long. */
  #pass(nowMs: number): void {
    const fromMs = Math.max(this.#lastMs, this.#windowStartMs);
    const lengthMs = Math.min(nowMs, this.#windowEndMs) - fromMs;
    this.#lastMs = nowMs;
    if (lengthMs <= 0) return;
    for (const [index, part] of this.#parts.entries()) {
      this.#areas[index] = (this.#areas[index] ?? 0) + part * lengthMs;
    }
    for (const [tenant, share] of this.#shares.entries()) {
      this.#shareAreas[tenant] = (this.#shareAreas[tenant] ?? 0) + share * lengthMs;
    }
  }

  #thinned(): TimeSeries {
    const times = this.#timeMs.take();
    const [firstMs, lastMs] = [times[0] ?? 0, times.at(-1) ?? 0];
    const rows: number[] = [];
    const timeMs: number[] = [];
    let row = 0;
    for (let point = 0; point <= GRID_POINTS; point += 1) {
      const atMs = firstMs + ((lastMs - firstMs) * point) / GRID_POINTS;
      while (row + 1 < times.length && (times[row + 1] ?? 0) <= atMs) row += 1;
      rows.push(row);
      timeMs.push(atMs);
      if (lastMs === firstMs) break;
    }
    const pick = (column: { take(): Float64Array | Uint32Array }): number[] => {
      const all = column.take();
      return rows.map((one) => all[one] ?? 0);
    };
    return {
      timeMs: Float64Array.from(timeMs),
      allocated: this.#allocated.map((column) => Float64Array.from(pick(column))),
      running: Uint32Array.from(pick(this.#running)),
      waiting: Uint32Array.from(pick(this.#waiting)),
    };
  }
}
