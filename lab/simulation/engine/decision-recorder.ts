/** Writes down every decision, in the columns of a DecisionLog. */

import type { Decision } from '../../../scheduler/schedule-one.ts';
import { type DecisionLog, NO_NODE } from '../result/run-result.ts';
import { Growing } from './growing.ts';

export class DecisionRecorder {
  readonly #nodeIndex: ReadonlyMap<string, number>;
  readonly #plugins: readonly string[];
  readonly #timeMs = new Growing((length) => new Float64Array(length));
  readonly #pod = new Growing((length) => new Uint32Array(length));
  readonly #node = new Growing((length) => new Int32Array(length));
  readonly #evaluated = new Growing((length) => new Uint32Array(length));
  readonly #feasible = new Growing((length) => new Uint32Array(length));
  readonly #ties = new Growing((length) => new Uint32Array(length));
  readonly #margin = new Growing((length) => new Float64Array(length));
  readonly #points: readonly Growing<Float32Array>[];
  #totals = new Float64Array(0);

  /** The names of the plugins with a score, in the profile's order. */
  constructor(nodeNames: readonly string[], plugins: readonly string[]) {
    this.#nodeIndex = new Map(nodeNames.map((name, index) => [name, index]));
    this.#plugins = plugins;
    this.#points = plugins.map(() => new Growing((length) => new Float32Array(length)));
  }

  /** The row, which {@link revoke} takes. */
  record(timeMs: number, pod: number, decision: Decision, evaluated: number): number {
    const row = this.#pod.length;
    this.#timeMs.push(timeMs);
    this.#pod.push(pod);
    this.#evaluated.push(evaluated);
    if (decision.kind !== 'node') {
      this.#node.push(NO_NODE);
      this.#feasible.push(0);
      this.#unscored();
      return row;
    }
    const { nodeName, feasible, scores } = decision;
    this.#node.push(this.nodeIndex(nodeName));
    this.#feasible.push(Math.max(1, feasible.length));
    if (scores.length === 0) this.#unscored();
    else this.#scored(decision, feasible.indexOf(nodeName));
    return row;
  }

  /** A later step objected: the pod got no node after all. */
  revoke(row: number): void {
    this.#node.set(row, NO_NODE);
  }

  nodeIndex(name: string): number {
    return this.#nodeIndex.get(name) ?? NO_NODE;
  }

  take(): DecisionLog {
    return {
      timeMs: this.#timeMs.take(),
      pod: this.#pod.take(),
      node: this.#node.take(),
      evaluated: this.#evaluated.take(),
      feasible: this.#feasible.take(),
      ties: this.#ties.take(),
      margin: this.#margin.take(),
      plugins: this.#plugins,
      points: this.#points.map((column) => column.take()),
    };
  }

  #unscored(): void {
    this.#ties.push(0);
    this.#margin.push(Number.NaN);
    for (const column of this.#points) column.push(Number.NaN);
  }

  #scored(decision: Extract<Decision, { kind: 'node' }>, winner: number): void {
    const { scores, feasible } = decision;
    if (this.#totals.length < feasible.length) this.#totals = new Float64Array(feasible.length);
    const totals = this.#totals;
    totals.fill(0, 0, feasible.length);
    for (const { scores: points, weight } of scores) {
      for (let index = 0; index < feasible.length; index += 1) {
        totals[index] = (totals[index] ?? 0) + (points[index] ?? 0) * weight;
      }
    }
    const best = totals[winner] ?? 0;
    let ties = 0;
    let second = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < feasible.length; index += 1) {
      const total = totals[index] ?? 0;
      if (total === best) ties += 1;
      else if (total > second) second = total;
    }
    this.#ties.push(ties);
    this.#margin.push(ties > 1 ? 0 : best - second);
    for (const [column, name] of this.#plugins.entries()) {
      const own = scores.find(({ plugin }) => plugin === name);
      const points = own === undefined ? Number.NaN : (own.scores[winner] ?? 0) * own.weight;
      this.#points[column]?.push(points);
    }
  }
}
