/**
 * The small files of the image store. A file appears whole or not at all, and what was written is on
 * disk when the call returns.
 */

import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

export class StoreFiles {
  readonly root: string;

  constructor(root: string, folders: readonly string[]) {
    this.root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    // A layer has set-user-id programs: nobody but root may reach them.
    chmodSync(root, 0o700);
    for (const folder of folders) {
      mkdirSync(path.join(root, folder), { recursive: true, mode: 0o700 });
    }
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  /** Undefined when there is none. */
  read(name: string): string | undefined {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** What is `volatile` need not outlive a power cut. */
  write(name: string, text: string, kind: 'durable' | 'volatile' = 'durable'): void {
    const temporary = this.path(`tmp/${randomUUID()}`);
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, text);
      if (kind === 'durable') fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, this.path(name));
    if (kind === 'durable') this.syncFolder(path.dirname(name));
  }

  /** Nothing happens when it is not there. */
  delete(name: string): void {
    rmSync(this.path(name), { force: true });
  }

  list(folder: string): readonly string[] {
    return readdirSync(this.path(folder));
  }

  /** Milliseconds since the epoch; undefined when there is none. */
  modifiedMs(name: string): number | undefined {
    return statSync(this.path(name), { throwIfNoEntry: false })?.mtimeMs;
  }

  /** Moves a tree out of sight in one step and only then removes it: half of it is never seen. */
  bury(name: string): void {
    const grave = this.path(`tmp/removed-${randomUUID()}`);
    try {
      renameSync(this.path(name), grave);
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    rmSync(grave, { recursive: true, force: true });
  }

  /** Has the names in a folder on disk. */
  syncFolder(folder: string): void {
    const fd = openSync(this.path(folder), 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
