/**
 * The exit status of a process that is not our child, by a pidfd that was opened while it lived. The
 * kernel tells it once the parent has reaped the process; before Linux 6.15 it never does.
 *
 * Source: include/uapi/linux/pidfd.h of Linux 6.15 (struct pidfd_info, PIDFD_GET_INFO).
 */

import { ioctl } from './libc.ts';
import { SyscallError } from './syscall-error.ts';

/** _IOWR(0xFF, 11, struct pidfd_info) of the first version, 64 bytes. */
const PIDFD_GET_INFO = 0xc040ff0b;
const INFO_BYTES = 64;
const PIDFD_INFO_EXIT = 1n << 3n;
const EXIT_CODE_AT = 60;

/** As wait(2) gives it; undefined when the kernel does not tell (yet). */
export function exitStatusOf(pidfd: number): number | undefined {
  const info = Buffer.alloc(INFO_BYTES);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  try {
    ioctl(pidfd, PIDFD_GET_INFO, info);
  } catch (error) {
    // The kernel does not know the request, or the process is between its end and its reaping.
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
  const isTold = (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) !== 0n;
  return isTold ? info.readInt32LE(EXIT_CODE_AT) : undefined;
}
