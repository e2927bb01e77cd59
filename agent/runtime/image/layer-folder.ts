/**
 * Where a layer is unpacked: the one folder `diff`, in which everything is done by the fd of the folder a
 * name is in, opened beneath `diff` without following any link. Names with links are resolved first, in
 * the merged view of this layer and those below it (merged-tree.ts).
 */

import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { chownAt, mkdirAt, utimesAt } from '../syscalls/files.ts';
import { tryOpenat2 } from '../syscalls/libc.ts';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../syscalls/linux.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';
import { MergedTree, type Resolved } from './merged-tree.ts';
import { changeMode } from './set-attributes.ts';

/** Folders that are kept open, as members come folder by folder. */
const OPEN_MAX = 128;
const MODE_BITS = 0o7777;

export interface OpenFolder {
  readonly fd: number;
  /** Below `diff`, without links. */
  readonly names: readonly string[];
}

export class LayerFolder {
  readonly #root: number;
  readonly #tree: MergedTree;
  /** By the path as the archive has it. */
  readonly #open = new Map<string, OpenFolder>();
  readonly #times = new Map<string, bigint>();
  readonly #how = Buffer.alloc(24);
  readonly #forgotten: number[] = [];
  readonly #hasLowers: boolean;

  /** `lowers` are the layers below, the top one first. */
  constructor(diff: string, lowers: readonly string[]) {
    this.#root = openSync(diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
    this.#tree = new MergedTree([diff, ...lowers]);
    this.#hasLowers = lowers.length > 0;
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    this.#how.writeBigUInt64LE(BigInt(resolve), 16);
  }

  close(): void {
    this.forget();
    this.#closeForgotten();
    closeSync(this.#root);
  }

  resolve(names: readonly string[]): Resolved {
    return this.#tree.resolve(names.join('/'), false);
  }

  lookUp(names: readonly string[]): Resolved['entry'] {
    return this.#tree.lookUp(names);
  }

  /**
   * The folder, made with all folders to it where this layer has them not yet, with the attributes they
   * have below. Links on the way are followed inside the root. Valid until the next call.
   */
  make(names: readonly string[]): OpenFolder {
    this.#closeForgotten();
    const key = names.join('/');
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    if (this.#open.size >= OPEN_MAX) this.forget();
    const resolved = this.#tree.resolve(key, true).names;
    for (let depth = 1; depth <= resolved.length; depth += 1)
      this.#makeOne(resolved.slice(0, depth));
    const folder = { fd: this.openBelow(resolved, O_PATH | O_DIRECTORY), names: resolved };
    this.#open.set(key, folder);
    return folder;
  }

  /** Opens what is at the names, which lead through folders of this layer. The caller closes it. */
  openBelow(names: readonly string[], flags: number): number {
    this.#how.writeUInt32LE(flags | O_NOFOLLOW | O_CLOEXEC, 0);
    const name = names.length === 0 ? '.' : names.join('/');
    const fd = tryOpenat2(this.#root, name, this.#how);
    if (fd < 0) throw new SyscallError(`open ${JSON.stringify(name)}`, -fd);
    return fd;
  }

  /** Has paths resolved anew: what was at one of them is gone, or covered by a link. */
  forget(): void {
    for (const { fd } of this.#open.values()) this.#forgotten.push(fd);
    this.#open.clear();
  }

  /** After a link was made, which may cover a folder of a layer below. */
  forgetCovered(): void {
    if (this.#hasLowers) this.forget();
  }

  /** Folder times come last: whatever is put into a folder changes them. */
  setTimeLater(names: readonly string[], timeNs: bigint): void {
    this.#times.set(names.join('/'), timeNs);
  }

  setTimes(): void {
    for (const [key, timeNs] of this.#times) {
      const names = key === '' ? [] : key.split('/');
      const entry = this.#tree.lookUp(names);
      if (entry?.layer !== 0 || !entry.stats.isDirectory()) continue;
      const fd = this.openBelow(names, O_PATH | O_DIRECTORY);
      try {
        utimesAt(fd, '.', timeNs);
      } finally {
        closeSync(fd);
      }
    }
  }

  #makeOne(names: readonly string[]): void {
    const entry = this.#tree.lookUp(names);
    if (entry?.layer === 0 && entry.stats.isDirectory()) return;
    if (entry !== undefined && !entry.stats.isDirectory()) {
      throw new Error(`"/${names.join('/')}" is a file, and something is to be put below it`);
    }
    const parent = this.openBelow(names.slice(0, -1), O_PATH | O_DIRECTORY);
    try {
      const name = path.basename(names.at(-1) ?? '');
      mkdirAt(parent, name, 0o755);
      if (entry !== undefined) chownAt(parent, name, entry.stats.uid, entry.stats.gid);
    } finally {
      closeSync(parent);
    }
    const fd = this.openBelow(names, O_PATH | O_DIRECTORY);
    try {
      changeMode(fd, entry === undefined ? 0o755 : entry.stats.mode & MODE_BITS);
    } finally {
      closeSync(fd);
    }
    if (entry !== undefined) {
      this.setTimeLater(names, BigInt(Math.floor(entry.stats.mtimeMs * 1000)) * 1000n);
    }
  }

  #closeForgotten(): void {
    for (const fd of this.#forgotten.splice(0)) closeSync(fd);
  }
}
