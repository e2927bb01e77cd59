/** Streams that were asked for over gRPC and not yet fetched over HTTP: single-use, for a minute. */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { CriError } from '../../../proto/cri/rpcs.ts';

/** As other runtimes: long enough for a client, short enough for a leaked URL to be worthless. */
const LIFE_MS = 60_000;
const OFFERS_MAX = 1_000;
/** 128 bits: a token is the only thing that protects the URL from other users of the machine. */
const TOKEN_BYTES = 16;

export class Offers<T> {
  readonly #clock: Clock;
  readonly #offers = new Map<string, { readonly value: T; readonly cancel: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns a token. Throws RESOURCE_EXHAUSTED when too many wait. */
  put(value: T): string {
    if (this.#offers.size >= OFFERS_MAX) {
      throw new CriError('RESOURCE_EXHAUSTED', 'too many streams were asked for and not fetched');
    }
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const cancel = this.#clock.schedule(LIFE_MS, () => this.#offers.delete(token));
    this.#offers.set(token, { value, cancel });
    return token;
  }

  /** Undefined when there is no such offer, or no more. */
  take(token: string): T | undefined {
    const offer = this.#offers.get(token);
    this.#offers.delete(token);
    offer?.cancel();
    return offer?.value;
  }

  clear(): void {
    for (const token of [...this.#offers.keys()]) this.take(token);
  }
}
