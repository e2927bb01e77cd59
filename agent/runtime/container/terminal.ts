/** A pseudo-terminal of a container's own /dev/pts. Source: pts(4), ioctl_tty(2). */

import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { openInRoot } from './in-root.ts';

export interface Terminal {
  /** For the spawner. */
  readonly master: number;
  /** For the process. */
  readonly slave: number;
}

/** `root` is the container's root, with devpts mounted at /dev/pts. */
export function openTerminal(root: number): Terminal {
  const flags = linux.O_RDWR | linux.O_NOCTTY;
  const master = openInRoot(root, '/dev/pts/ptmx', flags);
  libc.ioctl(master, linux.TIOCSPTLCK, Buffer.alloc(4));
  // By the master and not by name: nothing in the container can put another in its place.
  const slave = libc.ioctlInt(master, linux.TIOCGPTPEER, flags | linux.O_CLOEXEC);
  return { master, slave };
}

/** Makes the slave the controlling terminal and the three standard streams of this process. */
export function useTerminal(slave: number, uid: number, gid: number): void {
  libc.fchown(slave, uid, gid);
  libc.ioctlInt(slave, linux.TIOCSCTTY, 0);
  for (const fd of [0, 1, 2]) libc.dup2(slave, fd);
}

/** Tells the terminal its size: struct winsize of rows and columns. */
export function resizeTerminal(
  master: number,
  size: { readonly width: number; readonly height: number },
): void {
  const winsize = Buffer.alloc(8);
  winsize.writeUInt16LE(Math.min(size.height, 0xffff), 0);
  winsize.writeUInt16LE(Math.min(size.width, 0xffff), 2);
  libc.ioctl(master, linux.TIOCSWINSZ, winsize);
}
