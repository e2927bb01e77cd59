/**
 * Filter and Score over many nodes. Node-local plugins are asked about a node only when nothing is kept
 * of what they said of it for a like pod; the others are asked each time. The result is the same as
 * asking every plugin, in the profile's order, about every node.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { CycleState } from './cycle-state.ts';
import { ColumnCache, isNodeLocal, type NodeColumns } from './node-columns.ts';
import { type Plugin, SCORE_MAX, type Scores } from './plugin.ts';
import { failed, isRejected, type Status } from './status.ts';
import { FITS, StatusTable } from './status-table.ts';

type With<K extends keyof Plugin> = Plugin & Required<Pick<Plugin, K>>;

export interface WeightedScore {
  readonly plugin: With<'score'>;
  readonly weight: number;
}

/** The scores of one plugin, weighted, in the order of the nodes. */
export interface PluginScores {
  readonly plugin: string;
  readonly weight: number;
  /** Normalised, 0 to 100, before the weight. */
  readonly scores: readonly number[];
}

/** A filter of the profile, by its place in the profile's order. */
interface PlacedFilter {
  readonly plugin: With<'filter'>;
  readonly place: number;
}

export interface Search {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly snapshot: Snapshot;
  /** Those to look at, in order; all of the snapshot's, or some. */
  readonly nodes: readonly NodeInfo[];
  /** Where in `nodes` to begin. */
  readonly start: number;
  /** How many feasible ones are enough. */
  readonly wanted: number;
  /** Asked instead of the filters about nodes that it takes on; undefined: it doesn't take it on. */
  readonly judge?: (node: NodeInfo) => { readonly status: Status | undefined } | undefined;
}

export interface Found {
  readonly feasible: readonly NodeInfo[];
  /** The numbers of the verdicts of all nodes looked at, in order; true until the next search. */
  readonly numbers: Int32Array;
  /** By number. */
  readonly statuses: readonly Status[];
  /** A filter failed: nothing is known. */
  readonly error?: Status;
}

export class NodeEvaluator {
  readonly #filters: readonly PlacedFilter[];
  readonly #local: readonly PlacedFilter[];
  readonly #others: readonly PlacedFilter[];
  readonly #scores: readonly WeightedScore[];
  readonly #localScores: readonly With<'score'>[];
  readonly #sharing: readonly Plugin[];
  readonly #columns: ColumnCache | undefined;
  readonly #table = new StatusTable();
  #numbers = new Int32Array(0);
  /** Of the nodes that are being scored. */
  #indexes = new Int32Array(0);

  /** Both in the profile's order. Without reuse every plugin is asked about every node. */
  constructor(
    filters: readonly With<'filter'>[],
    scores: readonly WeightedScore[],
    options: { readonly reuses: boolean },
  ) {
    const isLocal = (plugin: Plugin): boolean => options.reuses && isNodeLocal(plugin);
    this.#filters = filters.map((plugin, place) => ({ plugin, place }));
    this.#local = this.#filters.filter(({ plugin }) => isLocal(plugin));
    this.#others = this.#filters.filter(({ plugin }) => !isLocal(plugin));
    this.#scores = scores;
    this.#localScores = scores.map(({ plugin }) => plugin).filter(isLocal);
    const local = new Set<Plugin>([...filters, ...this.#localScores].filter(isLocal));
    this.#sharing = [...local].filter(({ sharedVersion }) => sharedVersion !== undefined);
    this.#columns = options.reuses
      ? new ColumnCache([...local], this.#localScores.length)
      : undefined;
  }

  /** Looks at nodes until enough fit. */
  search(search: Search): Found {
    if (this.#table.isFull) {
      this.#table.clear();
      this.#columns?.clear();
    }
    const { state, nodes, start, wanted, snapshot, judge } = search;
    const columns = this.#columnsFor(state, search.pod, snapshot);
    const active = this.#others.filter(({ plugin }) => !state.skippedFilters.has(plugin.name));
    if (this.#numbers.length < nodes.length) this.#numbers = new Int32Array(nodes.length);
    const numbers = this.#numbers;
    const feasible: NodeInfo[] = [];
    let steps = 0;
    for (let at = start % nodes.length; steps < nodes.length && feasible.length < wanted; ) {
      const node = nodes[at];
      at = at + 1 === nodes.length ? 0 : at + 1;
      if (node === undefined) break;
      const judged = judge?.(node);
      let number: number | Status;
      if (judged !== undefined) number = this.#numberOf(judged.status);
      else {
        const { index } = node;
        const isKnown = columns?.verdictVersions[index] === snapshot.versions[index];
        const known = isKnown ? columns?.verdicts[index] : undefined;
        number = known ?? this.#judgeLocal(search, node, columns);
        if (active.length > 0 && typeof number === 'number') {
          number = this.#judgeOthers(search, node, active, number);
        }
        if (typeof number !== 'number') number = this.#judgeAll(search, node);
      }
      if (typeof number !== 'number') return { feasible, numbers, statuses: [], error: number };
      numbers[steps] = number;
      steps += 1;
      if (number === FITS) feasible.push(node);
    }
    return { feasible, numbers: numbers.subarray(0, steps), statuses: this.#table.statuses };
  }

  /** The first objection to one node; nothing is kept of it. */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    for (const { plugin } of this.#filters) {
      if (state.skippedFilters.has(plugin.name)) continue;
      const status = ask(plugin, state, pod, node);
      if (status !== undefined) return { ...status, plugin: plugin.name };
    }
    return undefined;
  }

  /** Of every plugin that has a say; a status when one failed. PreScore has been run. */
  score(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot?: Snapshot,
  ): readonly PluginScores[] | Status {
    const raw = snapshot === undefined ? undefined : this.#rawScores(state, pod, nodes, snapshot);
    const all: PluginScores[] = [];
    for (const { plugin, weight } of this.#scores) {
      if (state.skippedScores.has(plugin.name)) continue;
      try {
        const column = raw?.scores[this.#localScores.indexOf(plugin)];
        const scores: Scores =
          column === undefined
            ? nodes.map((node) => plugin.score(state, pod, node))
            : gather(column, this.#indexes, nodes.length);
        plugin.normalizeScore?.(state, pod, scores);
        checkRange(scores);
        all.push({ plugin: plugin.name, weight, scores });
      } catch (error) {
        return { ...failed(error), plugin: plugin.name };
      }
    }
    return all;
  }

  /** Those of pods like this one, without what can't be true any more. */
  #columnsFor(state: CycleState, pod: PodInfo, snapshot: Snapshot): NodeColumns | undefined {
    const columns = this.#columns?.of(pod, snapshot);
    let skipped = '';
    for (const { plugin } of this.#local) {
      if (state.skippedFilters.has(plugin.name)) skipped += `${plugin.name} `;
    }
    let shared = '';
    for (const plugin of this.#sharing) shared += `${plugin.sharedVersion?.(snapshot)} `;
    columns?.expectFilters(skipped, shared);
    return columns;
  }

  /** The first objection of a node-local filter, kept; a status when one failed. */
  #judgeLocal(
    { state, pod, snapshot }: Search,
    node: NodeInfo,
    columns: NodeColumns | undefined,
  ): number | Status {
    let number = FITS;
    for (const { plugin, place } of this.#local) {
      if (state.skippedFilters.has(plugin.name)) continue;
      const status = ask(plugin, state, pod, node);
      if (status === undefined) continue;
      if (!isRejected(status)) return status;
      number = this.#table.numberOf(status, place, plugin.name);
      break;
    }
    if (columns !== undefined) {
      columns.verdicts[node.index] = number;
      columns.verdictVersions[node.index] = snapshot.versions[node.index] ?? 0;
    }
    return number;
  }

  /** What the verdict becomes by the filters that must be asked each time. */
  #judgeOthers(
    { state, pod }: Search,
    node: NodeInfo,
    active: readonly PlacedFilter[],
    local: number,
  ): number | Status {
    const last = local === FITS ? Number.POSITIVE_INFINITY : this.#table.filterOf(local);
    for (const { plugin, place } of active) {
      // Who would not have been asked any more isn't.
      if (place > last) break;
      const status = ask(plugin, state, pod, node);
      if (status === undefined) continue;
      return isRejected(status) ? this.#table.numberOf(status, place, plugin.name) : status;
    }
    return local;
  }

  /** In order, as nobody kept anything: who fails may come after one who objects. */
  #judgeAll({ state, pod }: Search, node: NodeInfo): number | Status {
    return this.#numberOf(this.filter(state, pod, node));
  }

  #numberOf(status: Status | undefined): number | Status {
    if (status === undefined) return FITS;
    if (!isRejected(status)) return status;
    const place = this.#filters.findIndex(({ plugin }) => plugin.name === status.plugin);
    return this.#table.numberOf(status, place, status.plugin ?? '');
  }

  /** The columns with the scores of these nodes; undefined when there are none or one failed. */
  #rawScores(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot: Snapshot,
  ): NodeColumns | undefined {
    if (this.#localScores.length === 0) return undefined;
    const columns = this.#columnsFor(state, pod, snapshot);
    if (columns === undefined) return undefined;
    let skipped = '';
    for (const { name } of this.#localScores)
      if (state.skippedScores.has(name)) skipped += `${name} `;
    columns.expectScores(skipped);
    const { scoreVersions } = columns;
    const { versions } = snapshot;
    if (this.#indexes.length < nodes.length) this.#indexes = new Int32Array(nodes.length);
    const indexes = this.#indexes;
    let at = 0;
    try {
      for (const node of nodes) {
        const { index } = node;
        indexes[at] = index;
        at += 1;
        if (scoreVersions[index] === versions[index]) continue;
        for (const [column, plugin] of this.#localScores.entries()) {
          if (state.skippedScores.has(plugin.name)) continue;
          const scores = columns.scores[column];
          if (scores !== undefined) scores[index] = plugin.score(state, pod, node);
        }
        scoreVersions[index] = versions[index] ?? 0;
      }
    } catch {
      // It is said by asking without columns, who comes first in order.
      return undefined;
    }
    return columns;
  }
}

function gather(column: Float64Array, indexes: Int32Array, count: number): Scores {
  const scores = new Array<number>(count);
  for (let at = 0; at < count; at += 1) scores[at] = column[indexes[at] ?? 0] ?? 0;
  return scores;
}

/** Throws when a score isn't what a score may be. */
function checkRange(scores: Scores): void {
  for (let at = 0; at < scores.length; at += 1) {
    const score = scores[at] ?? Number.NaN;
    if (score >= 0 && score <= SCORE_MAX) continue;
    throw new Error(`score ${score} is not within 0..${SCORE_MAX}`);
  }
}

/** A plugin that throws has failed. */
function ask(
  plugin: With<'filter'>,
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
): Status | undefined {
  try {
    return plugin.filter(state, pod, node);
  } catch (error) {
    return { ...failed(error), plugin: plugin.name };
  }
}
