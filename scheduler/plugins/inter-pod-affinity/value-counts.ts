/** How much of something there is at each value of one topology key, as `zone` = `a`. */

import type { NodeInfo } from '../../cache/node-info.ts';
import { NO_VALUE, type TopologyIndex } from '../../cache/topology-index.ts';

export class ValueCounts {
  readonly #topology: TopologyIndex;
  #amounts: Float64Array;
  /** How often something was added and not taken away, at any value. */
  total = 0;

  constructor(topology: TopologyIndex) {
    this.#topology = topology;
    this.#amounts = new Float64Array(topology.size);
  }

  /** Where the node is; nothing when it has no such label. A negative `times` takes away. */
  add(nodeIndex: number, times: number, amount = 1): void {
    const value = this.#topology.values[nodeIndex] ?? NO_VALUE;
    if (value === NO_VALUE) return;
    if (value >= this.#amounts.length) this.#grow();
    this.#amounts[value] = (this.#amounts[value] ?? 0) + times * amount;
    this.total += times;
  }

  /** Where the node is. */
  at(node: NodeInfo): number {
    const value = this.#topology.at(node);
    return value === NO_VALUE ? 0 : (this.#amounts[value] ?? 0);
  }

  #grow(): void {
    const amounts = new Float64Array(2 * this.#topology.size);
    amounts.set(this.#amounts);
    this.#amounts = amounts;
  }
}
