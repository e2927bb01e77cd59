/**
 * Writes a set of files into a folder so that a reader sees all of the old or all of the new ones:
 * the files are in a folder of their own, `..data` is a symlink to it that is replaced by a rename,
 * and the visible names are symlinks through `..data`.
 *
 * Source: kubernetes pkg/volume/util/atomic_writer.go, v1.36.
 */

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile, readlink, rm, unlink } from 'node:fs/promises';
import path from 'node:path';

/** A file of a projection. */
export interface ProjectedFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
  /** The owner, when it isn't root. */
  readonly uid?: number;
}

/** By path relative to the folder: `key`, `dir/key`. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const DATA = '..data';
const NEW_DATA = '..data_tmp';
const NAME_LENGTH_MAX = 255;
const PATH_LENGTH_MAX = 4096;

/** Undefined when the path may be written, else why not. */
export function payloadPathError(name: string): string | undefined {
  if (name === '') return 'invalid path: must not be empty';
  if (path.isAbsolute(name)) return `invalid path: must be relative path: ${name}`;
  if (name.length > PATH_LENGTH_MAX)
    return `invalid path: must be at most ${PATH_LENGTH_MAX} characters`;
  const items = name.split('/');
  if (items.includes('..')) return `invalid path: must not contain '..': ${name}`;
  if (items[0]?.startsWith('..')) return `invalid path: must not start with '..': ${name}`;
  if (items.some((item) => Buffer.byteLength(item) > NAME_LENGTH_MAX)) {
    return `invalid path: names must be at most ${NAME_LENGTH_MAX} bytes: ${name}`;
  }
  return undefined;
}

/**
 * Makes the folder hold exactly these files; true when something changed. `group` owns the files
 * when given. The folder must exist; nothing else writes into it.
 */
export async function writePayload(
  folder: string,
  payload: Payload,
  group?: number,
): Promise<boolean> {
  for (const name of payload.keys()) {
    const error = payloadPathError(name);
    if (error !== undefined) throw new Error(error);
  }
  const old = await readlink(path.join(folder, DATA)).catch(() => undefined);
  if (old !== undefined && (await holds(path.join(folder, old), payload))) {
    linkVisible(folder, payload);
    return false;
  }
  const fresh = `..${randomBytes(8).toString('hex')}`;
  writeFiles(path.join(folder, fresh), payload, group);
  rmSync(path.join(folder, NEW_DATA), { force: true });
  symlinkSync(fresh, path.join(folder, NEW_DATA));
  renameSync(path.join(folder, NEW_DATA), path.join(folder, DATA));
  linkVisible(folder, payload);
  await removeStale(folder, payload, fresh);
  return true;
}

function writeFiles(root: string, payload: Payload, group?: number): void {
  mkdirSync(root);
  chmodSync(root, 0o755);
  for (const [name, file] of payload) {
    const target = path.join(root, name);
    if (name.includes('/')) mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(target, file.data, { mode: 0o600 });
    if (group !== undefined || file.uid !== undefined) {
      chownSync(target, file.uid ?? 0, group ?? 0);
    }
    // Not subject to the umask.
    chmodSync(target, group === undefined ? file.mode : file.mode | 0o440);
  }
}

async function holds(root: string, payload: Payload): Promise<boolean> {
  const present = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  if (present.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [name, file] of payload) {
    const data = await readFile(path.join(root, name)).catch(() => undefined);
    if (data === undefined || !data.equals(file.data)) return false;
  }
  return true;
}

function linkVisible(folder: string, payload: Payload): void {
  for (const name of topNames(payload)) {
    try {
      symlinkSync(path.join(DATA, name), path.join(folder, name));
    } catch (error) {
      if (!isExisting(error)) throw error;
    }
  }
}

async function removeStale(folder: string, payload: Payload, current: string): Promise<void> {
  const kept = new Set([...topNames(payload), DATA, current]);
  for (const name of await readdir(folder)) {
    if (kept.has(name)) continue;
    if (name.startsWith('..')) await rm(path.join(folder, name), { recursive: true, force: true });
    else await unlink(path.join(folder, name));
  }
}

function topNames(payload: Payload): ReadonlySet<string> {
  return new Set([...payload.keys()].map((name) => name.split('/')[0] ?? name));
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}
