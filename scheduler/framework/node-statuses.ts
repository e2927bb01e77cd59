/**
 * What each node was turned down for, as numbers until somebody wants to read it: that a pod fits none
 * of thousands of nodes is common, that anybody asks node by node is not.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { Status } from './status.ts';

export interface NodeStatusesSource {
  /** The nodes that were looked at, and where the search began. */
  readonly nodes: readonly NodeInfo[];
  readonly start: number;
  /** What each got, in the order of the search; statuses by number. */
  readonly numbers: Int32Array;
  readonly statuses: readonly Status[];
  /** What all others got, which nobody looked at. */
  readonly others?: { readonly status: Status; readonly nodes: readonly NodeInfo[] };
}

export class NodeStatuses implements ReadonlyMap<string, Status> {
  readonly #source: NodeStatusesSource | undefined;
  #map: Map<string, Status> | undefined;

  /** Without a source nobody was looked at. */
  constructor(source?: NodeStatusesSource) {
    this.#source = source;
  }

  /** Each status once, and how many nodes have it. */
  counts(): readonly { readonly status: Status; readonly nodes: number }[] {
    if (this.#source === undefined) return [];
    const { numbers, statuses, others } = this.#source;
    const counts = new Map<number, number>();
    for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
    const result = [...counts].flatMap(([number, nodes]) => {
      const status = statuses[number];
      return status === undefined ? [] : [{ status, nodes }];
    });
    if (others !== undefined) {
      result.push({ status: others.status, nodes: others.nodes.length - numbers.length });
    }
    return result;
  }

  get size(): number {
    return this.#source?.others?.nodes.length ?? this.#source?.numbers.length ?? 0;
  }

  get(name: string): Status | undefined {
    return this.#whole().get(name);
  }

  has(name: string): boolean {
    return this.#whole().has(name);
  }

  forEach(visit: (status: Status, name: string, map: ReadonlyMap<string, Status>) => void): void {
    for (const [name, status] of this.#whole()) visit(status, name, this);
  }

  entries(): MapIterator<[string, Status]> {
    return this.#whole().entries();
  }

  keys(): MapIterator<string> {
    return this.#whole().keys();
  }

  values(): MapIterator<Status> {
    return this.#whole().values();
  }

  [Symbol.iterator](): MapIterator<[string, Status]> {
    return this.entries();
  }

  #whole(): Map<string, Status> {
    if (this.#map !== undefined) return this.#map;
    const map = new Map<string, Status>();
    if (this.#source !== undefined) {
      const { nodes, start, numbers, statuses, others } = this.#source;
      if (others !== undefined) {
        for (const { name } of others.nodes) map.set(name, others.status);
      }
      for (const { name } of nodes) map.delete(name);
      for (const [step, number] of numbers.entries()) {
        const node = nodes[(start + step) % nodes.length];
        const status = statuses[number];
        if (node !== undefined && status !== undefined) map.set(node.name, status);
      }
    }
    this.#map = map;
    return map;
  }
}
