/** How many of something there are in each value of each topology key, as `zone` = `a`. */

import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';

export class TopologyCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  #total = 0;

  /** Of all values of all keys. */
  get total(): number {
    return this.#total;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** One more where the node is; nothing when it has no such label. */
  add(node: NodeInfo, key: string): void {
    const value = node.node.metadata.labels?.[key];
    if (value === undefined) return;
    this.#total += 1;
    const ofKey = this.#counts.get(key) ?? new Map<string, number>();
    this.#counts.set(key, ofKey.set(value, (ofKey.get(value) ?? 0) + 1));
  }

  /** Where the node is. */
  at(node: NodeInfo, key: string): number {
    const value = node.node.metadata.labels?.[key];
    return value === undefined ? 0 : (this.#counts.get(key)?.get(value) ?? 0);
  }

  /** Whether there is one where the node is, by any key, with these changes. */
  isAnyAt(node: NodeInfo, changes: ReadonlyMap<string, number>): boolean {
    for (const key of new Set([...this.#counts.keys(), ...changes.keys()])) {
      if (this.at(node, key) + (changes.get(key) ?? 0) > 0) return true;
    }
    return false;
  }
}
