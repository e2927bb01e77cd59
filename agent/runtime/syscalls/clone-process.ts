/**
 * Makes a child process that is a copy of this one and goes on in the same JavaScript. Only the
 * spawner may do so: a process with one busy thread, which has nothing queued on any other.
 *
 * In the child: no event loop, no promise, nothing of Node that is not plain computation; system calls
 * by libc.ts only; it ends in execve or {@link exitNow}.
 */

import { clone3 } from './libc.ts';
import { CLONE_CLEAR_SIGHAND, SIGCHLD } from './linux.ts';
import type { MemoryForClone } from './memory-for-clone.ts';

/** struct clone_args of Linux 5.7; offsets of `flags` and `exit_signal`. */
const CLONE_ARGS_BYTES = 88;
const EXIT_SIGNAL_AT = 32;

/**
 * Clones with these CLONE_NEW… flags. Returns the child's id to the parent and 0 to the child.
 * Signals the parent handles have their default action in the child from the first instruction on, so
 * that no handler of Node runs there. Its end is told by SIGCHLD.
 */
export function cloneProcess(memory: MemoryForClone, namespaceFlags: number): number {
  const args = Buffer.alloc(CLONE_ARGS_BYTES);
  args.writeBigUInt64LE(BigInt(namespaceFlags) | CLONE_CLEAR_SIGHAND, 0);
  args.writeBigUInt64LE(BigInt(SIGCHLD), EXIT_SIGNAL_AT);
  memory.allowClone();
  return clone3(args);
}
