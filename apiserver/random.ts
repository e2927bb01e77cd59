/** Uids and random names in production. */

import { randomFillSync, randomUUID } from 'node:crypto';
import type { Randomness } from './registry/store-context.ts';

/** Letters and digits of generated names: no vowels, and nothing that is mistaken for another. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
/** Random bytes fetched at a time: asking for five costs as much as asking for all these. */
const POOL_BYTES = 4096;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

export const systemRandomness: Randomness = {
  uid: randomUUID,
  suffix(length) {
    let text = '';
    for (let index = 0; index < length; index += 1) {
      text += SUFFIX_ALPHABET.charAt(nextByte() % SUFFIX_ALPHABET.length);
    }
    return text;
  },
  fraction: Math.random,
};

function nextByte(): number {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += 1;
  return pool[used - 1] ?? 0;
}
