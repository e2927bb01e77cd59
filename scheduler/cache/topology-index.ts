/**
 * The values of one topology key (`topology.kubernetes.io/zone`, a node's name) as small numbers, and
 * each node's as a column, so that counts by value are arrays.
 */

import type { Node } from '../../proto/api/gen/core-v1.ts';
import { NO_INDEX, type NodeInfo } from './node-info.ts';

/** Of a node without the label. */
export const NO_VALUE = -1;
/** The number of the value "". */
export const EMPTY_VALUE = 0;

export class TopologyIndex {
  readonly key: string;
  /** The number of each node's value, by the node's index; {@link NO_VALUE} when it has none. */
  values: Int32Array;
  readonly #numbers = new Map<string, number>([['', EMPTY_VALUE]]);

  constructor(key: string, capacity: number) {
    this.key = key;
    this.values = new Int32Array(capacity).fill(NO_VALUE);
  }

  /** Numbers given, from 0 on; those of values that no node has any more are among them. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The number of the value of a node, which may be of no snapshot. */
  at({ index, node }: NodeInfo): number {
    if (index !== NO_INDEX) return this.values[index] ?? NO_VALUE;
    const value = node.metadata.labels?.[this.key];
    return value === undefined ? NO_VALUE : (this.#numbers.get(value) ?? NO_VALUE);
  }

  /** Makes room for nodes of higher index. */
  grow(capacity: number): void {
    const values = new Int32Array(capacity).fill(NO_VALUE);
    values.set(this.values);
    this.values = values;
  }

  set(nodeIndex: number, node: Node): void {
    const value = node.metadata.labels?.[this.key];
    this.values[nodeIndex] = value === undefined ? NO_VALUE : this.#numberOf(value);
  }

  unset(nodeIndex: number): void {
    this.values[nodeIndex] = NO_VALUE;
  }

  #numberOf(value: string): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(value, number);
    return number;
  }
}
