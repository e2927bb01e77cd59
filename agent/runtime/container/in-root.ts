/**
 * Paths of a container, resolved so that no link of the image leads out of its root: the kernel takes
 * the root as `/` for the whole way, and what is found is used by its fd, never by its name again.
 */

import { close, mkdirat, mknodat, openat2 } from '../syscalls/libc.ts';
import {
  ENOENT,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFREG,
} from '../syscalls/linux.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** Opens a path below the root; throws a SyscallError. The caller closes the fd. */
export function openInRoot(root: number, path: string, flags: number = O_PATH): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
  return openat2(root, path, how);
}

/** As {@link openInRoot}; undefined when there is nothing of that name. */
export function tryOpenInRoot(root: number, path: string, flags?: number): number | undefined {
  try {
    return openInRoot(root, path, flags);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/** Opens a path below the root, after making it, and the folders to it, where it is missing. */
export function makeInRoot(root: number, path: string, kind: 'folder' | 'file'): number {
  const existing = tryOpenInRoot(root, path);
  if (existing !== undefined) return existing;
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let parent = openInRoot(root, '/');
  for (const [index, name] of names.entries()) {
    const prefix = names.slice(0, index + 1).join('/');
    let next = tryOpenInRoot(root, prefix);
    if (next === undefined) {
      if (kind === 'file' && index === names.length - 1) {
        mknodat(parent, name, S_IFREG | FILE_MODE, 0);
      } else mkdirat(parent, name, FOLDER_MODE);
      next = openInRoot(root, prefix);
    }
    close(parent);
    parent = next;
  }
  return parent;
}

/** The folder that a path is in, made when missing, and the last name of it. */
export function openParent(root: number, path: string): readonly [folder: number, name: string] {
  const cut = path.lastIndexOf('/');
  return [makeInRoot(root, path.slice(0, cut) || '/', 'folder'), path.slice(cut + 1)];
}
