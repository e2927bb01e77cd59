/** What plugins keep for themselves during one pod's cycle, from one extension point to the next. */

/** Names a piece of state and its type; compared by identity. */
export interface StateKey<T> {
  readonly name: string;
  /** Used by the compiler only. */
  readonly '~type'?: T;
}

/** One for each attempt to schedule a pod. */
export class CycleState {
  readonly #data = new Map<StateKey<unknown>, unknown>();
  /** Plugins whose PreFilter said Skip: their Filter isn't asked. */
  readonly skippedFilters = new Set<string>();
  /** Plugins whose PreScore said Skip: their Score isn't asked. */
  readonly skippedScores = new Set<string>();

  read<T>(key: StateKey<T>): T | undefined {
    // Only write() puts values in, under a key of their type.
    return this.#data.get(key) as T | undefined;
  }

  /** For a look at what would be; values are shared, and so never changed but replaced. */
  clone(): CycleState {
    const copy = new CycleState();
    for (const [key, value] of this.#data) copy.write(key, value);
    for (const name of this.skippedFilters) copy.skippedFilters.add(name);
    for (const name of this.skippedScores) copy.skippedScores.add(name);
    return copy;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#data.set(key, value);
  }
}
