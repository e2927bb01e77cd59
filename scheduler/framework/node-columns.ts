/**
 * What node-local plugins have said of each node for pods that are alike, with the version of the node
 * that they said it of; and the columns of the kinds of pods that came last.
 *
 * Pods are alike when all the profile's node-local plugins sign them the same. What such a plugin says
 * of a node can't have changed then as long as the node's version hasn't.
 */

import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Plugin } from './plugin.ts';

/** All columns of a profile together; a kind of pod takes some 50 bytes a node. */
const COLUMNS_BYTES_MAX = 64 * 1024 * 1024;
/** Kinds of pods, however small the cluster and however large. */
const KINDS_MAX = 1_024;
const KINDS_MIN = 4;

export class NodeColumns {
  /** Numbers of a StatusTable: the first objection of a node-local filter. */
  readonly verdicts: Int32Array;
  readonly verdictVersions: Float64Array;
  /** A column for each node-local score plugin. */
  readonly scores: readonly Float64Array[];
  readonly scoreVersions: Float64Array;
  /** Who had no say when the columns were filled, and what else the answers followed from. */
  #skippedFilters = '';
  #skippedScores = '';
  #shared = '';

  constructor(capacity: number, scorePlugins: number) {
    this.verdicts = new Int32Array(capacity);
    // Versions begin at 1: nothing is known yet.
    this.verdictVersions = new Float64Array(capacity);
    this.scores = Array.from({ length: scorePlugins }, () => new Float64Array(capacity));
    this.scoreVersions = new Float64Array(capacity);
  }

  static bytes(capacity: number, scorePlugins: number): number {
    return capacity * (4 + 8 + 8 + 8 * scorePlugins);
  }

  get capacity(): number {
    return this.verdicts.length;
  }

  /** Forgets what was said when others had a say, or something shared was different. */
  expectFilters(skipped: string, shared: string): void {
    if (shared !== this.#shared) this.scoreVersions.fill(0);
    else if (skipped === this.#skippedFilters) return;
    this.#skippedFilters = skipped;
    this.#shared = shared;
    this.verdictVersions.fill(0);
  }

  /** Of the scores; after `expectFilters` of the same cycle. */
  expectScores(skipped: string): void {
    if (skipped === this.#skippedScores) return;
    this.#skippedScores = skipped;
    this.scoreVersions.fill(0);
  }
}

/** The columns of a profile, for one snapshot. */
export class ColumnCache {
  readonly #plugins: readonly Plugin[];
  readonly #scorePlugins: number;
  readonly #columns = new Map<string, NodeColumns>();
  #snapshot: Snapshot | undefined;
  #lastPod: PodInfo | undefined;
  #lastKey = '';
  #last: NodeColumns | undefined;

  /** The node-local plugins, and how many of them score. */
  constructor(plugins: readonly Plugin[], scorePlugins: number) {
    this.#plugins = plugins;
    this.#scorePlugins = scorePlugins;
  }

  clear(): void {
    this.#columns.clear();
    this.#last = undefined;
  }

  /** Those of pods like this one; the least recently used ones make room for new ones. */
  of(pod: PodInfo, snapshot: Snapshot): NodeColumns {
    if (snapshot !== this.#snapshot) {
      this.clear();
      this.#snapshot = snapshot;
    }
    const capacity = snapshot.versions.length;
    const last = this.#last?.capacity === capacity ? this.#last : undefined;
    if (last !== undefined && pod === this.#lastPod) return last;
    this.#lastPod = pod;
    const key = this.#sign(pod);
    if (last !== undefined && key === this.#lastKey) return last;
    let columns = this.#columns.get(key);
    this.#columns.delete(key);
    if (columns?.capacity !== capacity) columns = new NodeColumns(capacity, this.#scorePlugins);
    this.#columns.set(key, columns);
    this.#lastKey = key;
    this.#last = columns;
    const bytes = NodeColumns.bytes(capacity, this.#scorePlugins);
    const most = Math.max(KINDS_MIN, Math.min(KINDS_MAX, Math.floor(COLUMNS_BYTES_MAX / bytes)));
    for (const oldest of this.#columns.keys()) {
      if (this.#columns.size <= most) break;
      this.#columns.delete(oldest);
    }
    return columns;
  }

  #sign(pod: PodInfo): string {
    let key = '';
    for (const plugin of this.#plugins) {
      key += `${plugin.signPod === undefined ? wholePod(pod) : plugin.signPod(pod)}\n`;
    }
    return key;
  }
}

export function isNodeLocal(plugin: Plugin): boolean {
  return plugin.nodeLocal === true || plugin.signPod !== undefined;
}

/** All of a pod that a plugin may look at: everything but what names this one pod. */
function wholePod({ pod }: PodInfo): string {
  const { namespace, labels, annotations, ownerReferences } = pod.metadata;
  return JSON.stringify([namespace, labels, annotations, ownerReferences, pod.spec]);
}
