/**
 * Locks between the processes that share an image store: flock(2) on a file. The kernel gives a lock
 * back when its holder ends, however it ends, so none is ever left over.
 */

import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../../../base/clock.ts';
import { flock } from '../syscalls/libc.ts';
import { LOCK_EX_NB, LOCK_SH_NB } from '../syscalls/linux.ts';

export type LockKind = 'shared' | 'exclusive';

/** The kernel tells nobody that a lock is free, so it is asked again. */
const POLL_MS = 10;

export class FileLock {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined when somebody else has it. The file is made; its folder must be there. */
  static tryTake(file: string, kind: LockKind): FileLock | undefined {
    const fd = openSync(file, 'a', 0o600);
    if (flock(fd, kind === 'shared' ? LOCK_SH_NB : LOCK_EX_NB)) return new FileLock(fd);
    closeSync(fd);
    return undefined;
  }

  /** Waits for it; throws the signal's reason when that is aborted first. */
  static async take(
    file: string,
    kind: LockKind,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<FileLock> {
    for (;;) {
      signal.throwIfAborted();
      const lock = FileLock.tryTake(file, kind);
      if (lock !== undefined) return lock;
      await clock.after(POLL_MS, signal);
    }
  }

  /** Once. */
  release(): void {
    closeSync(this.#fd);
  }
}
