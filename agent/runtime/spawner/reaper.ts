/**
 * Takes the exit status of every child that ends. Node tells of SIGCHLD; it knows nothing of children
 * that were cloned here, so all that can be waited for is ours to wait for.
 */

import { reapChild } from '../syscalls/libc.ts';
import { SIGKILL } from '../syscalls/linux.ts';

export interface ExitStatus {
  /** 128 + the signal when a signal ended it. */
  readonly exitCode: number;
  /** 0 when it ended by itself. */
  readonly signal: number;
}

/** The lower seven bits are the signal, the next byte the code. Source: wait(2). */
export function decodeWaitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal }
    : { exitCode: 128 + signal, signal };
}

/** The end of a process that nobody saw. */
export const UNKNOWN_EXIT: ExitStatus = { exitCode: 255, signal: 0 };

export const KILLED_EXIT_CODE = 128 + SIGKILL;

export class Reaper {
  readonly #waiting = new Map<number, (status: ExitStatus) => void>();

  constructor() {
    process.on('SIGCHLD', () => this.#reap());
  }

  /** Call in the same turn in which the child was made. */
  waitFor(pid: number): Promise<ExitStatus> {
    const exit = Promise.withResolvers<ExitStatus>();
    this.#waiting.set(pid, exit.resolve);
    return exit.promise;
  }

  /** One signal may stand for many children. Orphans that came to us are only taken off the list. */
  #reap(): void {
    for (let child = reapChild(); child !== undefined; child = reapChild()) {
      const resolve = this.#waiting.get(child.pid);
      this.#waiting.delete(child.pid);
      resolve?.(decodeWaitStatus(child.status));
    }
  }
}
