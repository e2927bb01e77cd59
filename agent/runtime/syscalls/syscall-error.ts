/** A system call that failed: which, on what, and why. */

import { getSystemErrorMap } from 'node:util';

export class SyscallError extends Error {
  /** `EPERM` …; `E7` when the number is not known. */
  readonly code: string;
  readonly errno: number;

  /** The message is as `mount "/proc": operation not permitted`. */
  constructor(call: string, errno: number) {
    const [code, reason] = describeErrno(errno);
    super(`${call}: ${reason}`);
    this.name = 'SyscallError';
    this.code = code;
    this.errno = errno;
  }
}

/** The name and the words of an error number. */
export function describeErrno(errno: number): readonly [code: string, reason: string] {
  return getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
}
