/**
 * Says when what a file holds has changed. Editors write in place, or put a new file in its stead, so
 * the folder is watched; the same bytes again are no change.
 */

import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';

/** An editor's write comes as several events: the file is read when it has been quiet this long. */
const QUIET_MS = 50;
/** Where no events come (some network file systems), the file is looked at this often. */
const LOOK_MS = 5_000;

/**
 * Yields the hash of the file as it is first, then of each other content, until the signal is aborted.
 * What changes while the consumer is at work is seen when it asks for more.
 */
export async function* fileVersions(
  file: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let isTouched = false;
  let wake: (() => void) | undefined;
  const watcher = watchQuietly(path.dirname(file), () => {
    isTouched = true;
    wake?.();
  });
  try {
    let last: string | undefined;
    while (!signal.aborted) {
      isTouched = false;
      const hash = await hashOf(file);
      if (hash !== last) {
        last = hash;
        yield hash;
        continue;
      }
      const touched = new AbortController();
      wake = () => touched.abort();
      if (!isTouched) await clock.after(LOOK_MS, AbortSignal.any([touched.signal, signal]));
      wake = undefined;
      await clock.after(QUIET_MS, signal);
    }
  } finally {
    watcher?.close();
  }
}

/** A file that can't be read has the hash '': it may be there again later. */
async function hashOf(file: string): Promise<string> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return '';
  }
}

function watchQuietly(folder: string, onTouch: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(folder, onTouch);
    // A folder that goes away is looked at by time until it is back.
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    return undefined;
  }
}
