/**
 * Where the pods of a gang wait for each other before the first one is bound: what can still fail has
 * been done for all of them by then, but for the binding itself.
 */

export class Together {
  readonly #isComplete: () => boolean;
  readonly #all = Promise.withResolvers<boolean>();
  #missing: number;

  /** `count`: how many come or say that they don't; `isComplete` is asked once, when all have. */
  constructor(count: number, isComplete: () => boolean) {
    this.#missing = count;
    this.#isComplete = isComplete;
  }

  /** Resolves when all have come or left: whether enough of them came. */
  arrive(): Promise<boolean> {
    this.leave();
    return this.#all.promise;
  }

  /** The pod doesn't come. */
  leave(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#all.resolve(this.#isComplete());
  }
}
