/**
 * A process that writes to the store in the folder it is given, many writes in flight, and prints a
 * line `KEY REVISION` for each that was acknowledged, until it is killed.
 */

import { writeSync } from 'node:fs';
import { openEmbeddedStorage } from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';

const IN_FLIGHT = 32;
const VALUE_BYTES = 3000;

const [dir = '', run = ''] = process.argv.slice(2);
const storage = openEmbeddedStorage({ dir, clock: systemClock, logger: silentLogger });

async function write(writer: number): Promise<never> {
  let revision = 0;
  for (let turn = 0; ; turn += 1) {
    // Every other write is an update of the writer's own key, the others make new ones.
    const isUpdate = turn % 2 === 0;
    const key = isUpdate ? `/killed/${run}/${writer}` : `/killed/${run}/${writer}-${turn}`;
    const value = new Uint8Array(VALUE_BYTES).fill(turn % 256);
    const result = await storage.put(key, value, isUpdate ? revision : 0);
    if (result.kind === 'conflict') throw new Error(`Conflict on "${key}"`);
    if (isUpdate) revision = result.revision;
    writeSync(1, `${key} ${result.revision}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, (_, writer) => write(writer)));
