/**
 * Overlayfs whiteouts: character devices 0:0, which hide what lies below. One is made by mknod(1), the
 * others are hard links to it: any number of names may share one inode.
 *
 * Source: Linux Documentation/filesystems/overlayfs.rst.
 */

import { execFileSync } from 'node:child_process';
import { linkSync, rmSync, type Stats } from 'node:fs';

export type MakeDevice = (
  path: string,
  type: 'b' | 'c' | 'p',
  major: number,
  minor: number,
) => void;

/** Runs mknod(1): about 2 ms. Node has no such call. */
export const makeDevice: MakeDevice = (path, type, major, minor) => {
  const numbers = type === 'p' ? [] : [String(major), String(minor)];
  execFileSync('mknod', ['--', path, type, ...numbers], { stdio: 'pipe' });
};

export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

export class WhiteoutMaker {
  readonly #template: string;
  readonly #makeDevice: MakeDevice;
  #isMade = false;

  /** `template` is a free path on the file system where the whiteouts will be. */
  constructor(template: string, make: MakeDevice) {
    this.#template = template;
    this.#makeDevice = make;
  }

  /** The path must be free, its parent a directory. */
  make(path: string): void {
    if (!this.#isMade) this.#makeTemplate();
    try {
      linkSync(this.#template, path);
    } catch (error) {
      // An inode has at most 65,000 names on ext4.
      if (!(error instanceof Error && 'code' in error && error.code === 'EMLINK')) throw error;
      this.#makeTemplate();
      linkSync(this.#template, path);
    }
  }

  #makeTemplate(): void {
    rmSync(this.#template, { force: true });
    this.#makeDevice(this.#template, 'c', 0, 0);
    this.#isMade = true;
  }
}
