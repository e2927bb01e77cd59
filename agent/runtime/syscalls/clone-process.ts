/**
 * Makes a child process that is a copy of this one and goes on in the same JavaScript. Only the
 * spawner may do so: a process with one busy thread, which has nothing queued on any other.
 *
 * In the child: no event loop, no promise, nothing of Node that is not plain computation; system calls
 * by libc.ts only; it ends in execve or {@link exitNow}.
 */

import { clone3 } from './libc.ts';
import { CLONE_CLEAR_SIGHAND, CLONE_PARENT, SIGCHLD } from './linux.ts';
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
  return clone(memory, BigInt(namespaceFlags), SIGCHLD);
}

/** The same, but the new process is a child of the caller's parent, which is told of its end. */
export function cloneSibling(memory: MemoryForClone, namespaceFlags: number): number {
  return clone(memory, BigInt(namespaceFlags) | CLONE_PARENT, 0);
}

function clone(memory: MemoryForClone, flags: bigint, exitSignal: number): number {
  const args = Buffer.alloc(CLONE_ARGS_BYTES);
  args.writeBigUInt64LE(flags | CLONE_CLEAR_SIGHAND, 0);
  args.writeBigUInt64LE(BigInt(exitSignal), EXIT_SIGNAL_AT);
  memory.allowClone();
  return clone3(args);
}
