/**
 * Opens a path inside a volume so that nothing a container does at the same time can lead it
 * outside: component by component from the volume's root, never through a symlink, and then by
 * descriptor only. Missing folders are made.
 *
 * Source: kubernetes pkg/volume/util/subpath/subpath_linux.go, v1.36; CVE-2017-1002101,
 * CVE-2021-25741.
 */

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { VolumeError } from './projections.ts';

/** From fcntl.h: a descriptor that only names the file. */
const O_PATH = 0o10000000;

/** The caller closes the handle. */
export async function openSubPath(root: string, subPath: string): Promise<FileHandle> {
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) {
    throw new VolumeError(`subPath "${subPath}" must be a relative path without ".."`);
  }
  const realRoot = await realpath(root);
  const inside = await resolveInside(realRoot, subPath);
  let handle = await open(realRoot, O_PATH | constants.O_DIRECTORY);
  for (const name of inside.split('/').filter((each) => each !== '')) {
    const next = await openChild(handle, name).finally(() => handle.close());
    handle = next;
  }
  return handle;
}

/** Symlinks that exist now are followed, if they stay inside; the rest is as it is written. */
async function resolveInside(realRoot: string, subPath: string): Promise<string> {
  const real = await realpath(path.join(realRoot, subPath)).catch(() => undefined);
  if (real === undefined) return subPath;
  const relative = path.relative(realRoot, real);
  if (relative === '..' || relative.startsWith('../')) {
    throw new VolumeError(`subPath "${subPath}" leads outside of its volume`);
  }
  return relative;
}

async function openChild(parent: FileHandle, name: string): Promise<FileHandle> {
  const child = `/proc/self/fd/${parent.fd}/${name}`;
  const flags = O_PATH | constants.O_NOFOLLOW;
  const handle = await open(child, flags).catch(async (error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    await mkdir(child, { mode: 0o750 });
    return open(child, flags);
  });
  if ((await handle.stat()).isSymbolicLink()) {
    await handle.close();
    throw new VolumeError(`subPath component "${name}" is a symbolic link`);
  }
  return handle;
}
