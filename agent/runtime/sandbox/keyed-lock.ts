/** One at a time for each key, in the order of asking. */

export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs when all that asked before for the same key have ended, whether well or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    // Whoever asked before reports its own failure.
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
