/**
 * System calls on files below an open folder, that Node has no function for: a name is looked up in the
 * folder that the fd stands for, so that no link on the way can lead elsewhere. As in libc.ts: a
 * {@link SyscallError} when one fails. Source: section 2 of the Linux manual pages, 6.7.
 */

import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { SyscallError } from './syscall-error.ts';

const libc = koffi.load(null);
const syncfsCall = libc.func('int syncfs(int fd)');
const openatCall = libc.func('int openat(int dirfd, str path, int flags, uint mode)');
const mkdiratCall = libc.func('int mkdirat(int dirfd, str path, uint mode)');
const mknodatCall = libc.func('int mknodat(int dirfd, str path, uint mode, ulong device)');
const symlinkatCall = libc.func('int symlinkat(str target, int dirfd, str path)');
const linkatCall = libc.func('int linkat(int olddir, str old, int newdir, str path, int flags)');
const fchownatCall = libc.func('int fchownat(int dirfd, str path, uint uid, uint gid, int flags)');
const utimensatCall = libc.func('int utimensat(int dirfd, str path, void *times, int flags)');
const fsetxattrCall = libc.func(
  'int fsetxattr(int fd, str name, void *value, uint64 size, int flags)',
);

const fgetxattrCall = libc.func('int64 fgetxattr(int fd, str name, void *value, uint64 size)');
const flistxattrCall = libc.func('int64 flistxattr(int fd, void *list, uint64 size)');

const AT_SYMLINK_NOFOLLOW = 0x100;
/** errno is of the thread that made the call, which is not this one. */
const EIO = 5;
/** XATTR_SIZE_MAX and XATTR_LIST_MAX of Linux. */
const XATTR_BYTES_MAX = 65_536;
const NS_PER_S = 1_000_000_000n;

function check(result: number, call: string, subject: string): number {
  if (result !== -1) return result;
  throw new SyscallError(`${call} ${JSON.stringify(subject)}`, koffi.errno());
}

/** Opens a name in a folder; `mode` is for a file that is made. */
export const openAt = (dirfd: number, name: string, flags: number, mode = 0): number =>
  check(openatCall(dirfd, name, flags, mode), 'open', name);

export const mkdirAt = (dirfd: number, name: string, mode: number): number =>
  check(mkdiratCall(dirfd, name, mode), 'create folder', name);

export const mknodAt = (dirfd: number, name: string, mode: number, device: number): number =>
  check(mknodatCall(dirfd, name, mode, device), 'create', name);

export const symlinkAt = (target: string, dirfd: number, name: string): number =>
  check(symlinkatCall(target, dirfd, name), 'link', name);

/** A hard link; a symbolic link is linked itself. */
export const linkAt = (oldDir: number, oldName: string, newDir: number, newName: string): number =>
  check(linkatCall(oldDir, oldName, newDir, newName, 0), 'link', newName);

/** Of the name itself, also when it is a symbolic link. */
export const chownAt = (dirfd: number, name: string, uid: number, gid: number): number =>
  check(fchownatCall(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW), 'change owner of', name);

const times = Buffer.alloc(32);

/** Access and modification time of the name itself, in nanoseconds since the epoch. */
export function utimesAt(dirfd: number, name: string, timeNs: bigint): void {
  // Rounds down, as the nanoseconds must not be negative.
  const nanoseconds = ((timeNs % NS_PER_S) + NS_PER_S) % NS_PER_S;
  const seconds = (timeNs - nanoseconds) / NS_PER_S;
  for (const at of [0, 16]) {
    times.writeBigInt64LE(seconds, at);
    times.writeBigInt64LE(nanoseconds, at + 8);
  }
  check(utimensatCall(dirfd, name, times, AT_SYMLINK_NOFOLLOW), 'change times of', name);
}

export const setXattr = (fd: number, name: string, value: Buffer): number =>
  check(fsetxattrCall(fd, name, value, value.length, 0), 'set attribute', name);

/** All extended attributes of an open file; none where the file system has none. */
export function readXattrs(fd: number): ReadonlyMap<string, Buffer> {
  const list = Buffer.alloc(XATTR_BYTES_MAX);
  const length = Number(flistxattrCall(fd, list, list.length));
  const names = length > 0 ? list.toString('utf8', 0, length - 1).split('\0') : [];
  const found = new Map<string, Buffer>();
  for (const name of names) {
    const value = Buffer.alloc(XATTR_BYTES_MAX);
    const bytes = Number(fgetxattrCall(fd, name, value, value.length));
    if (bytes >= 0) found.set(name, value.subarray(0, bytes));
  }
  return found;
}

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
