/**
 * Writes a set of files into a folder so that a reader sees all of the old or all of the new ones:
 * the files are in a folder of their own, `..data` is a symlink to it that is replaced by a rename,
 * and the visible names are symlinks through `..data`.
 *
 * Source: kubernetes pkg/volume/util/atomic_writer.go, v1.36.
 */

import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
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
    await linkVisible(folder, payload);
    return false;
  }
  const fresh = `..${randomBytes(8).toString('hex')}`;
  await writeFiles(path.join(folder, fresh), payload, group);
  await rm(path.join(folder, NEW_DATA), { force: true });
  await symlink(fresh, path.join(folder, NEW_DATA));
  await rename(path.join(folder, NEW_DATA), path.join(folder, DATA));
  await linkVisible(folder, payload);
  await removeStale(folder, payload, fresh);
  return true;
}

async function writeFiles(root: string, payload: Payload, group?: number): Promise<void> {
  await mkdir(root);
  await chmod(root, 0o755);
  for (const [name, file] of payload) {
    const target = path.join(root, name);
    if (name.includes('/')) await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, file.data, { mode: 0o600 });
    if (group !== undefined || file.uid !== undefined) {
      await chown(target, file.uid ?? 0, group ?? 0);
    }
    // Not subject to the umask.
    await chmod(target, group === undefined ? file.mode : file.mode | 0o440);
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

async function linkVisible(folder: string, payload: Payload): Promise<void> {
  for (const name of topNames(payload)) {
    try {
      await symlink(path.join(DATA, name), path.join(folder, name));
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
