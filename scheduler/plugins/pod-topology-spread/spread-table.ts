/**
 * The pods that one constraint counts, by node and by domain: counted once for all pods with the same
 * constraint, and then kept true by what has changed.
 */

import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { matchesLabels } from '../../../proto/api/label-selector.ts';
import type { NodeInfo } from '../../cache/node-info.ts';
import type { PodInfo } from '../../cache/pod-info.ts';
import type { Snapshot } from '../../cache/snapshot.ts';
import { EMPTY_VALUE, NO_VALUE, type TopologyIndex } from '../../cache/topology-index.ts';
import { type Constraint, countMatching, hasAllKeys, isIncluded } from './constraints.ts';

/** Pods that are thought to have come to a domain, or to have left it. */
export interface DomainChange {
  readonly domain: number;
  readonly by: number;
}

export interface SpreadTableOptions {
  readonly constraint: Constraint;
  /** Whose namespace, node affinity and tolerations count. */
  readonly pod: Pod;
  /** Only nodes with the labels of all of these count; none: a missing label is the value "". */
  readonly keysOf: readonly Constraint[];
}

export class SpreadTable {
  readonly #options: SpreadTableOptions;
  #topology: TopologyIndex | undefined;
  /** By node. */
  #pods = new Int32Array(0);
  #isCounted = new Uint8Array(0);
  /** By the number of the topology's value. */
  #counts = new Int32Array(0);
  #members = new Int32Array(0);
  /** How many domains have a count, by the count. */
  #levels: number[] = [];
  #smallest = 0;
  #domains = 0;
  #topologyVersion = -1;
  #changesSeen = 0;

  constructor(options: SpreadTableOptions) {
    this.#options = options;
  }

  /** The same text for tables that are always the same. */
  static keyOf({ constraint, pod, keysOf }: SpreadTableOptions): string {
    const { topologyKey, selector, honorsAffinity, honorsTaints } = constraint;
    const { nodeSelector, affinity, tolerations } = pod.spec;
    const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    return JSON.stringify([
      pod.metadata.namespace,
      topologyKey,
      selector,
      keysOf.map((each) => each.topologyKey),
      honorsAffinity ? [nodeSelector, required] : 0,
      honorsTaints ? [tolerations] : 0,
    ]);
  }

  /** How many domains there are. */
  get domains(): number {
    return this.#domains;
  }

  /** The number of the node's domain; undefined: it lacks the label. */
  domainOf(node: NodeInfo): number | undefined {
    const value = this.#topology?.at(node) ?? NO_VALUE;
    return value === NO_VALUE ? undefined : value;
  }

  /** Pods in a domain, without those on nodes that don't count. */
  countIn(domain: number): number {
    return this.#counts[domain] ?? 0;
  }

  /** Pods on the node, whether it counts or not. */
  countOn({ index }: NodeInfo): number {
    return this.#pods[index] ?? 0;
  }

  isCounted({ index }: NodeInfo): boolean {
    return this.#isCounted[index] === 1;
  }

  /** Of all domains; 0 when there are none. */
  smallest(change?: DomainChange): number {
    if (change === undefined || change.by === 0) return this.#smallest;
    if (this.#domains === 0) return 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (const [domain, members] of this.#members.entries()) {
      if (members === 0) continue;
      const by = domain === change.domain ? change.by : 0;
      smallest = Math.min(smallest, this.countIn(domain) + by);
    }
    return smallest;
  }

  /** Different domains that the nodes are in, the missing label as one of them. */
  domainsAmong(nodes: readonly NodeInfo[]): number {
    const seen = new Uint8Array(this.#topology?.size ?? 0);
    let count = 0;
    for (const node of nodes) {
      const domain = this.domainOf(node) ?? EMPTY_VALUE;
      if (seen[domain] === 1) continue;
      seen[domain] = 1;
      count += 1;
    }
    return count;
  }

  counts(pod: Pod): boolean {
    const { constraint, pod: own } = this.#options;
    const { metadata } = pod;
    return (
      constraint.selector.length > 0 &&
      metadata.deletionTimestamp === undefined &&
      metadata.namespace === own.metadata.namespace &&
      matchesLabels(constraint.selector, metadata.labels)
    );
  }

  bringUpToDate(snapshot: Snapshot): void {
    const { podChanges, topologyVersion } = snapshot;
    const isKept = topologyVersion === this.#topologyVersion;
    const count = ({ pod }: PodInfo, nodeIndex: number, times: 1 | -1): void => {
      if (this.counts(pod)) this.#add(nodeIndex, times);
    };
    if (!isKept || !podChanges.replay(this.#changesSeen, count)) this.#countAll(snapshot);
    this.#changesSeen = podChanges.end;
  }

  #countAll(snapshot: Snapshot): void {
    const { constraint, pod, keysOf } = this.#options;
    const topology = snapshot.topology(constraint.topologyKey);
    this.#topology = topology;
    this.#topologyVersion = snapshot.topologyVersion;
    const capacity = snapshot.versions.length;
    this.#pods = new Int32Array(capacity);
    this.#isCounted = new Uint8Array(capacity);
    this.#counts = new Int32Array(topology.size);
    this.#members = new Int32Array(topology.size);
    const namespace = pod.metadata.namespace ?? '';
    for (const node of snapshot.nodes) {
      const { index } = node;
      const count = countMatching(node, constraint.selector, namespace);
      this.#pods[index] = count;
      if (!hasAllKeys(node, keysOf) || !isIncluded(constraint, pod, node)) continue;
      const domain = this.#domainAt(index);
      this.#isCounted[index] = 1;
      this.#members[domain] = (this.#members[domain] ?? 0) + 1;
      this.#counts[domain] = this.countIn(domain) + count;
    }
    this.#findLevels();
  }

  #findLevels(): void {
    this.#levels = [];
    this.#domains = 0;
    this.#smallest = 0;
    for (const [domain, members] of this.#members.entries()) {
      if (members === 0) continue;
      const count = this.countIn(domain);
      this.#smallest = this.#domains === 0 ? count : Math.min(this.#smallest, count);
      this.#domains += 1;
      this.#levels[count] = (this.#levels[count] ?? 0) + 1;
    }
  }

  #add(nodeIndex: number, times: 1 | -1): void {
    this.#pods[nodeIndex] = (this.#pods[nodeIndex] ?? 0) + times;
    if (this.#isCounted[nodeIndex] !== 1) return;
    const domain = this.#domainAt(nodeIndex);
    const before = this.countIn(domain);
    const count = before + times;
    this.#counts[domain] = count;
    const left = (this.#levels[before] ?? 0) - 1;
    this.#levels[before] = left;
    this.#levels[count] = (this.#levels[count] ?? 0) + 1;
    // By one at a time: when the last of the smallest goes up, it still is one of the smallest.
    if (count < this.#smallest || (before === this.#smallest && left === 0)) this.#smallest = count;
  }

  #domainAt(nodeIndex: number): number {
    const value = this.#topology?.values[nodeIndex] ?? NO_VALUE;
    return value === NO_VALUE ? EMPTY_VALUE : value;
  }
}
