/** A binary heap whose entries can also be found and removed by key. */

/** The least entry comes first. Keys are unique. */
export class KeyedHeap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<string, number>();
  readonly #keyOf: (item: T) => string;
  readonly #less: (a: T, b: T) => boolean;

  constructor(keyOf: (item: T) => string, less: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#less = less;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): T | undefined {
    const position = this.#positions.get(key);
    return position === undefined ? undefined : this.#items[position];
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds the item, or puts it in the place of the one with its key. */
  push(item: T): void {
    this.delete(this.#keyOf(item));
    this.#items.push(item);
    this.#up(this.#items.length - 1, item);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(this.#keyOf(first));
    return first;
  }

  delete(key: string): T | undefined {
    const position = this.#positions.get(key);
    if (position === undefined) return undefined;
    const item = this.#items[position];
    this.#positions.delete(key);
    const last = this.#items.pop();
    if (last !== undefined && position < this.#items.length) {
      this.#down(position, last);
      this.#up(this.#positions.get(this.#keyOf(last)) ?? position, last);
    }
    return item;
  }

  #place(position: number, item: T): void {
    this.#items[position] = item;
    this.#positions.set(this.#keyOf(item), position);
  }

  #up(start: number, item: T): void {
    let position = start;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || !this.#less(item, parent)) break;
      this.#place(position, parent);
      position = above;
    }
    this.#place(position, item);
  }

  #down(start: number, item: T): void {
    let position = start;
    for (;;) {
      const left = this.#items[2 * position + 1];
      const right = this.#items[2 * position + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && this.#less(right, left);
      const child = isRight ? right : left;
      if (!this.#less(child, item)) break;
      this.#place(position, child);
      position = 2 * position + (isRight ? 2 : 1);
    }
    this.#place(position, item);
  }
}
