/**
 * What folders take on disk, as du(1) counts it. Counting a large one takes longer than an answer may: it
 * goes on beside other work, and who asks again gets the count of a few seconds ago.
 */

import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';

/** Blocks are 512 bytes. Source: stat(2). */
const BLOCK_BYTES = 512;
/** As often as other runtimes count. */
const FRESH_MS = 10_000;
/** The client's patience ends somewhere above two seconds. */
const WAIT_MS = 1_000;
/** Folders that are counted at the same time: disks and this process have other work. */
const COUNTS_MAX = 4;

export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

export interface CountedUsage extends DiskUsage {
  /** Of the wall clock: when it was so. */
  readonly atMs: number;
}

interface Entry {
  readonly last?: CountedUsage & { readonly monotonicMs: number };
  readonly counting?: Promise<CountedUsage>;
}

export class DiskUsages {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #counts = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined when counting it for the first time takes too long: ask again. */
  async of(folder: string): Promise<CountedUsage | undefined> {
    const { last, counting } = this.#entries.get(folder) ?? {};
    if (last !== undefined && this.#clock.monotonicMs() - last.monotonicMs < FRESH_MS) return last;
    const count = counting ?? this.#start(folder, last);
    const timer = new AbortController();
    const late = this.#clock.after(WAIT_MS, timer.signal).then(() => undefined);
    const result = await Promise.race([count, late]);
    timer.abort();
    return result ?? last;
  }

  forget(folder: string): void {
    this.#entries.delete(folder);
  }

  #start(folder: string, last: Entry['last']): Promise<CountedUsage> {
    const counting = this.#count(folder);
    this.#entries.set(folder, { ...(last && { last }), counting });
    return counting;
  }

  async #count(folder: string): Promise<CountedUsage> {
    if (this.#counts >= COUNTS_MAX) await new Promise<void>((next) => this.#waiting.push(next));
    this.#counts += 1;
    try {
      const usage = { ...(await diskUsage(folder)), atMs: this.#clock.wallMs() };
      // Else it was forgotten meanwhile.
      if (this.#entries.has(folder)) {
        const monotonicMs = this.#clock.monotonicMs();
        this.#entries.set(folder, { last: { ...usage, monotonicMs } });
      }
      return usage;
    } finally {
      this.#counts -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Does not follow links; counts a file with several names once, and not what disappears meanwhile. */
export async function diskUsage(folder: string): Promise<DiskUsage> {
  let bytes = 0;
  let inodes = 0;
  const linked = new Set<number>();
  const queue = [folder];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const stats = await lstat(file).catch(() => undefined);
    if (stats === undefined) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (linked.has(stats.ino)) continue;
      linked.add(stats.ino);
    }
    bytes += stats.blocks * BLOCK_BYTES;
    inodes += 1;
    if (!stats.isDirectory()) continue;
    for (const name of await readdir(file).catch(() => [])) queue.push(path.join(file, name));
  }
  return { bytes, inodes };
}
