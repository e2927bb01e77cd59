/**
 * System calls on files that Node has no function for. As in libc.ts: a {@link SyscallError} when one
 * fails. Source: section 2 of the Linux manual pages, 6.7.
 */

import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { SyscallError } from './syscall-error.ts';

const libc = koffi.load(null);
const syncfsCall = libc.func('int syncfs(int fd)');

/** Has all that was written to the folder's file system on disk. Takes as long as the disk does. */
export async function syncFileSystem(folder: string): Promise<void> {
  const fd = openSync(folder, 'r');
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    syncfsCall.async(fd, (error: Error | null, result: number) => {
      if (error === null) resolve(result);
      else reject(error);
    });
    if ((await promise) !== 0) throw new SyscallError(`sync ${JSON.stringify(folder)}`, EIO);
  } finally {
    closeSync(fd);
  }
}

/** errno is of the thread that made the call, which is not this one. */
const EIO = 5;
