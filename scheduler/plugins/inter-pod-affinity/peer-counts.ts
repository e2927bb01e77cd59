/**
 * The existing pods that a pod's own terms match, by topology: counted once for all pods with the same
 * terms, and then kept true by what has changed.
 */

import {
  type AffinityTerm,
  matchesTerm,
  type NamespaceLabels,
} from '../../cache/affinity-terms.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import { ValueCounts } from './value-counts.ts';

export interface CountedTerm {
  readonly term: AffinityTerm;
  /** What a matching pod counts. */
  readonly amount: number;
}

/** `all`: pods that match every term, once for each; `each`: for each term the pods that match it. */
export type PeerMode = 'all' | 'each';

export class PeerCounts {
  readonly #terms: readonly CountedTerm[];
  readonly #mode: PeerMode;
  readonly #labelsOf: NamespaceLabels;
  readonly #byKey = new Map<string, ValueCounts>();
  /** The labels of namespaces that the counts follow from. */
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  #topologyVersion = -1;
  #changesSeen = 0;

  constructor(terms: readonly CountedTerm[], mode: PeerMode, labelsOf: NamespaceLabels) {
    this.#terms = terms;
    this.#mode = mode;
    this.#labelsOf = labelsOf;
  }

  /** The same text for counts that are always the same. */
  static keyOf(terms: readonly CountedTerm[], mode: PeerMode): string {
    let key: string = mode;
    for (const { term, amount } of terms) key += `\n${amount} ${term.key}`;
    return key;
  }

  /** How many matches there are, on nodes with the label of the term. */
  get total(): number {
    let total = 0;
    for (const counts of this.#byKey.values()) total += counts.total;
    return total;
  }

  /** By topology key. */
  get byKey(): ReadonlyMap<string, ValueCounts> {
    return this.#byKey;
  }

  at(node: NodeInfo, key: string): number {
    return this.#byKey.get(key)?.at(node) ?? 0;
  }

  bringUpToDate(snapshot: Snapshot): void {
    const { podChanges, topologyVersion } = snapshot;
    const isKept = topologyVersion === this.#topologyVersion && this.#areNamespacesSame();
    const count = (pod: PodInfo, nodeIndex: number, times: 1 | -1): void =>
      this.#count(pod, nodeIndex, times);
    if (!isKept || !podChanges.replay(this.#changesSeen, count)) this.#countAll(snapshot);
    this.#changesSeen = podChanges.end;
  }

  #countAll(snapshot: Snapshot): void {
    this.#byKey.clear();
    this.#namespaces.clear();
    for (const { term } of this.#terms) {
      const { topologyKey } = term;
      if (this.#byKey.has(topologyKey)) continue;
      this.#byKey.set(topologyKey, new ValueCounts(snapshot.topology(topologyKey)));
    }
    this.#topologyVersion = snapshot.topologyVersion;
    for (const { pods, index } of snapshot.nodes) {
      for (const pod of pods.values()) this.#count(pod, index, 1);
    }
  }

  #count(pod: PodInfo, nodeIndex: number, times: 1 | -1): void {
    const isAll = this.#mode === 'all';
    if (isAll && !this.#terms.every(({ term }) => this.#matches(term, pod))) return;
    for (const { term, amount } of this.#terms) {
      if (!isAll && !this.#matches(term, pod)) continue;
      this.#byKey.get(term.topologyKey)?.add(nodeIndex, times, amount);
    }
  }

  #matches(term: AffinityTerm, { pod }: PodInfo): boolean {
    return matchesTerm(term, pod, (name) => {
      const labels = this.#labelsOf(name);
      this.#namespaces.set(name, labels);
      return labels;
    });
  }

  #areNamespacesSame(): boolean {
    for (const [name, labels] of this.#namespaces) {
      const labelsNow = this.#labelsOf(name);
      if (labelsNow === labels) continue;
      if (JSON.stringify(labelsNow) !== JSON.stringify(labels)) return false;
    }
    return true;
  }
}
