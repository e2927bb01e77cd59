/**
 * Overlayfs whiteouts: character devices 0:0, which hide what lies below. One is made, the others are
 * hard links to it: any number of names may share one inode.
 *
 * Source: Linux Documentation/filesystems/overlayfs.rst.
 */

import { closeSync, openSync, rmSync, type Stats } from 'node:fs';
import path from 'node:path';
import { linkAt, mknodAt } from '../syscalls/files.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, S_IFCHR } from '../syscalls/linux.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';

const TEMPLATE = 'whiteout';

export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

export class WhiteoutMaker {
  readonly #folder: string;
  readonly #fd: number;
  #isMade = false;

  /** `folder` is on the file system where the whiteouts will be; `whiteout` must be free in it. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#fd = openSync(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }

  /** The name must be free in the folder that the fd stands for. */
  make(dirfd: number, name: string): void {
    if (!this.#isMade) this.#makeTemplate();
    try {
      linkAt(this.#fd, TEMPLATE, dirfd, name);
    } catch (error) {
      // An inode has at most 65,000 names on ext4.
      if (!(error instanceof SyscallError) || error.code !== 'EMLINK') throw error;
      this.#makeTemplate();
      linkAt(this.#fd, TEMPLATE, dirfd, name);
    }
  }

  /** Once. The whiteouts stay. */
  close(): void {
    closeSync(this.#fd);
    rmSync(path.join(this.#folder, TEMPLATE), { force: true });
  }

  #makeTemplate(): void {
    rmSync(path.join(this.#folder, TEMPLATE), { force: true });
    mknodAt(this.#fd, TEMPLATE, S_IFCHR | 0o600, 0);
    this.#isMade = true;
  }
}
