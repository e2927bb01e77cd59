/**
 * Streams of random numbers of a run. The generator is the scheduler's (mulberry32); a stream begins at
 * a state made of the seed and the stream's name by FNV-1a, so that streams don't depend on each other.
 */

import { seededRandom } from '../../../scheduler/seeded-random.ts';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Numbers in [0, 1). */
export function newStream(seed: number, name: string): () => number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(`${seed}/${name}`)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return seededRandom(hash >>> 0);
}

/** In place, every order with the same chance (Fisher and Yates). */
export function shuffle<T>(items: T[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [items[last], items[other]];
    if (a === undefined || b === undefined) continue;
    items[last] = b;
    items[other] = a;
  }
}
