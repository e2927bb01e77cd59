/**
 * Paths of a container, resolved so that no link of the image leads out of its root: the kernel takes
 * the root as `/` for the whole way, and what is found is used by its fd, never by its name again.
 *
 * What is opened here stays open until the child executes its program; all of it is closed then.
 */

import { close, fileFacts, mkdirat, mknodat, readlinkat, tryOpenat2 } from '../syscalls/libc.ts';
import {
  EEXIST,
  ENOENT,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '../syscalls/linux.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
/** As the kernel's MAXSYMLINKS. */
const LINKS_MAX = 40;

/** Opens a path below the root; throws a SyscallError. */
export function openInRoot(root: number, path: string, flags: number = O_PATH): number {
  return succeed(tryOpen(root, path, flags), path);
}

/** As {@link openInRoot}; undefined when there is nothing of that name. */
export function tryOpenInRoot(root: number, path: string): number | undefined {
  const fd = tryOpen(root, path, O_PATH);
  return fd === -ENOENT ? undefined : succeed(fd, path);
}

/**
 * Opens a path below the root, after making it, and the folders to it, where it is missing. What a link
 * of the image points to is made where it points, inside of the root.
 */
export function makeInRoot(root: number, path: string, kind: 'folder' | 'file', links = 0): number {
  const existing = tryOpenInRoot(root, path);
  if (existing !== undefined) return existing;
  const [folder, name] = openParent(root, path);
  try {
    if (kind === 'file') mknodat(folder, name, S_IFREG | FILE_MODE, 0);
    else mkdirat(folder, name, FOLDER_MODE);
    return openInRoot(root, path);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== EEXIST || links === LINKS_MAX) {
      throw error;
    }
    const to = readlinkat(openInRoot(folder, name, O_PATH | O_NOFOLLOW), '');
    return makeInRoot(root, to.startsWith('/') ? to : besideOf(path, to), kind, links + 1);
  } finally {
    close(folder);
  }
}

/** `to`, seen from the folder that `path` is in. */
function besideOf(path: string, to: string): string {
  return `${path.slice(0, path.replace(/\/+$/, '').lastIndexOf('/'))}/${to}`;
}

/** The folder that a path is in, made when missing, and the last name of it. */
export function openParent(root: number, path: string): readonly [folder: number, name: string] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const name = names.pop() ?? '.';
  return [makeInRoot(root, `/${names.join('/')}`, 'folder'), name];
}

/** Whether an fd, also one of O_PATH, is of a folder. */
export function isFolder(fd: number): boolean {
  return (fileFacts(fd).mode & S_IFMT) === S_IFDIR;
}

/** struct open_how; flags first, then the mode, then how to resolve. */
const how = Buffer.alloc(24);
how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);

function tryOpen(root: number, path: string, flags: number): number {
  how.writeUInt32LE(flags | O_CLOEXEC, 0);
  return tryOpenat2(root, path, how);
}

function succeed(fd: number, path: string): number {
  if (fd < 0) throw new SyscallError(`open ${JSON.stringify(path)}`, -fd);
  return fd;
}
