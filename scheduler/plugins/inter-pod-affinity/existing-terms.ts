/**
 * What the pods on nodes want of others: every different term once, with how many pods have it in each
 * value of its topology key. A pod that looks for a node is matched with terms, not with pods.
 */

import type { AffinityTerm, AffinityTerms } from '../../cache/affinity-terms.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import { ValueCounts } from './value-counts.ts';

export type TermKind = keyof AffinityTerms;

export interface ExistingTerm {
  readonly term: AffinityTerm;
  readonly counts: ValueCounts;
}

interface Entry extends ExistingTerm {
  /** Pods that have the term, wherever they are. */
  pods: number;
}

const KINDS: readonly TermKind[] = [
  'requiredAffinity',
  'requiredAntiAffinity',
  'preferredAffinity',
  'preferredAntiAffinity',
];

export class ExistingTerms {
  readonly #byKind: Readonly<Record<TermKind, Map<string, Entry>>> = {
    requiredAffinity: new Map(),
    requiredAntiAffinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  };
  #snapshot: Snapshot | undefined;
  #topologyVersion = -1;
  #changesSeen = 0;

  of(kind: TermKind): Iterable<ExistingTerm> {
    return this.#byKind[kind].values();
  }

  isEmpty(kind: TermKind): boolean {
    return this.#byKind[kind].size === 0;
  }

  bringUpToDate(snapshot: Snapshot): void {
    const { podChanges } = snapshot;
    const isKept =
      snapshot === this.#snapshot && snapshot.topologyVersion === this.#topologyVersion;
    const count = (pod: PodInfo, nodeIndex: number, times: 1 | -1): void =>
      this.#count(pod, nodeIndex, times, snapshot);
    if (!isKept || !podChanges.replay(this.#changesSeen, count)) this.#countAll(snapshot);
    this.#snapshot = snapshot;
    this.#topologyVersion = snapshot.topologyVersion;
    this.#changesSeen = podChanges.end;
  }

  #countAll(snapshot: Snapshot): void {
    for (const kind of KINDS) this.#byKind[kind].clear();
    if (snapshot.podsWithAffinity === 0) return;
    for (const { pods, index, podsWithAffinity } of snapshot.nodes) {
      if (podsWithAffinity === 0) continue;
      for (const pod of pods.values()) this.#count(pod, index, 1, snapshot);
    }
  }

  #count({ affinity }: PodInfo, nodeIndex: number, times: 1 | -1, snapshot: Snapshot): void {
    for (const kind of KINDS) {
      const entries = this.#byKind[kind];
      for (const term of affinity[kind]) {
        const key = `${term.weight} ${term.key}`;
        const entry = entries.get(key) ?? newEntry(term, snapshot);
        entry.pods += times;
        entry.counts.add(nodeIndex, times);
        if (entry.pods > 0) entries.set(key, entry);
        else entries.delete(key);
      }
    }
  }
}

function newEntry(term: AffinityTerm, snapshot: Snapshot): Entry {
  return { term, counts: new ValueCounts(snapshot.topology(term.topologyKey)), pods: 0 };
}
