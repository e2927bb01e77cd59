/**
 * A map from keys to values that can be read in the order of the keys, from any point. Keys live in
 * sorted blocks: a change moves at most one block, so it costs O(log n) and a short copy.
 */

import { compareKeys } from '../key-order.ts';

/** A block that grows beyond this is cut in two. */
const BLOCK_KEYS_MAX = 512;

export interface RangeOptions {
  /** Only keys with this prefix. */
  readonly prefix: string;
  /** Begin after this key (exclusive). */
  readonly startAfter?: string;
  /** At most this many; absent: all. */
  readonly limit?: number;
}

export interface Range<V> {
  readonly values: readonly V[];
  /** How many more keys of the prefix there are after the last one. */
  readonly remaining: number;
}

/** Invariant: blocks are not empty, and the last key of one comes before the first of the next. */
export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  #blocks: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#insert(key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) return true;
    block.splice(firstNotBefore(block, key), 1);
    if (block.length === 0) this.#blocks.splice(index, 1);
    return true;
  }

  /** In the order of the keys; O(log n + what is returned + blocks that remain). */
  range({ prefix, startAfter = '', limit = Number.POSITIVE_INFINITY }: RangeOptions): Range<V> {
    const isAfter = compareKeys(startAfter, prefix) >= 0;
    const start = isAfter ? startAfter : prefix;
    const values: V[] = [];
    let remaining = 0;
    for (let index = this.#blockOf(start); index < this.#blocks.length; index += 1) {
      const block = this.#blocks[index] ?? [];
      let from = compareKeys(block[0] ?? '', start) >= 0 ? 0 : firstNotBefore(block, start);
      if (isAfter && block[from] === startAfter) from += 1;
      for (; from < block.length && values.length < limit; from += 1) {
        const key = block[from] ?? '';
        if (!key.startsWith(prefix)) return { values, remaining };
        const value = this.#values.get(key);
        if (value !== undefined) values.push(value);
      }
      const count = countWithPrefix(block, from, prefix);
      remaining += count;
      if (count < block.length - from) break;
    }
    return { values, remaining };
  }

  #insert(key: string): void {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) {
      this.#blocks.push([key]);
      return;
    }
    block.splice(firstNotBefore(block, key), 0, key);
    if (block.length <= BLOCK_KEYS_MAX) return;
    this.#blocks.splice(index + 1, 0, block.splice(block.length >> 1));
  }

  /** The last block that begins at or before the key, or the first one. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.#blocks[middle]?.[0] ?? '', key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The index of the first key at or after this one; the length when there is none. */
function firstNotBefore(block: readonly string[], key: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(block[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many keys from this index on have the prefix, which the first ones do. */
function countWithPrefix(block: readonly string[], from: number, prefix: string): number {
  if (from >= block.length) return 0;
  if (block.at(-1)?.startsWith(prefix) === true) return block.length - from;
  let index = from;
  while (index < block.length && block[index]?.startsWith(prefix) === true) index += 1;
  return index - from;
}
