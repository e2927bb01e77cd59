/**
 * The values that this process has written and not yet seen in the watch. An event that brings one of
 * them is given the very bytes that were written, so that who knows what they mean need not decode
 * them again (see `remember` of the watch cache).
 */

/** Far more than are in flight; older ones were lost with a connection and are decoded. */
const VALUES_MAX = 4096;

/** Memory: the values in flight. */
export class OwnWrites {
  readonly #values = new Map<string, Uint8Array>();

  /** Before the write, since its event may come before its answer. */
  add(key: string, value: Uint8Array): void {
    this.#values.set(key, value);
    if (this.#values.size <= VALUES_MAX) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }

  /** The write was not done. */
  drop(key: string, value: Uint8Array): void {
    if (this.#values.get(key) === value) this.#values.delete(key);
  }

  /** The bytes as they were written, or those of the event when they are somebody else's. */
  take(key: string, value: Uint8Array): Uint8Array {
    const own = this.#values.get(key);
    if (own === undefined || Buffer.compare(own, value) !== 0) return value;
    this.#values.delete(key);
    return own;
  }
}
