/**
 * What was counted over a snapshot, by a text that says what was counted; the least recently used makes
 * room. It is the tables' own business to stay true.
 */

import type { Snapshot } from './snapshot.ts';

/** One takes some 10 bytes a node: 7 MB for all in a cluster of 5,000. */
const TABLES_MAX = 128;

export class KeptTables<T> {
  readonly #tables = new Map<string, T>();
  #snapshot: Snapshot | undefined;

  /** The one with this key, of this snapshot; made when there is none. */
  of(key: string, snapshot: Snapshot, make: () => T): T {
    if (snapshot !== this.#snapshot) this.#tables.clear();
    this.#snapshot = snapshot;
    const table = this.#tables.get(key) ?? make();
    this.#tables.delete(key);
    this.#tables.set(key, table);
    const oldest = this.#tables.keys().next().value;
    if (oldest !== undefined && this.#tables.size > TABLES_MAX) this.#tables.delete(oldest);
    return table;
  }
}
