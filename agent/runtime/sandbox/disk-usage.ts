/** What a folder takes on disk, as du(1) counts it. */

import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Beyond that many entries counting takes longer than an answer may: the rest is left out. */
const ENTRIES_MAX = 20_000;

export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Blocks are 512 bytes. Source: stat(2). */
const BLOCK_BYTES = 512;

/** Does not follow links; what disappears meanwhile is not counted. */
export function diskUsage(folder: string): DiskUsage {
  let bytes = 0;
  let inodes = 0;
  const queue = [folder];
  for (let file = queue.pop(); file !== undefined && inodes < ENTRIES_MAX; file = queue.pop()) {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    bytes += stats.blocks * BLOCK_BYTES;
    inodes += 1;
    if (!stats.isDirectory()) continue;
    for (const name of namesIn(file)) queue.push(path.join(file, name));
  }
  return { bytes, inodes };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // It is gone.
  }
}
