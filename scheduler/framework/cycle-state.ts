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

  write<T>(key: StateKey<T>, value: T): void {
    this.#data.set(key, value);
  }
}
