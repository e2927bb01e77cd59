/**
 * `skiff/host`, the built-in image: the host's root file system under an overlay, so that a first pod
 * needs no registry. What is not plainly software stays hidden:
 *
 * - of the top level, only {@link VISIBLE} shows; the rest is replaced by an empty skeleton;
 * - below /etc and /opt, what an ordinary user of the host could not read (the private keys, shadow,
 *   wireless passwords …) is hidden, and so are the {@link SECRETS} by name, whatever their mode.
 *
 * The mask is two overlay layers above `/`: a skeleton, and below it whiteouts. They are named by their
 * content and made once for all runtimes that share the image folder; they are computed anew at each
 * start of a runtime, so a secret that appears later shows in containers until then.
 */

import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { ImageRecord } from './image.ts';
import { type MakeDevice, WhiteoutMaker } from './whiteout.ts';

export const HOST_IMAGE_REFERENCE = 'docker.io/skiff/host:latest';

/** Raised when the skeleton changes: the mask's name is made from it. */
const SKELETON_VERSION = 1;

const VISIBLE = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr', 'etc', 'opt'];

const SECRETS = [
  'etc/gshadow',
  'etc/gshadow-',
  'etc/kubernetes',
  'etc/rancher',
  'etc/shadow',
  'etc/shadow-',
  'etc/ssh',
  'etc/ssl/private',
  'etc/sudoers',
  'etc/sudoers.d',
];

/** Trees in which modes are looked at. /usr is software and too large to walk. */
const WALKED = ['etc', 'opt', 'usr/local/etc'];
/** Entries looked at in one walk; a tree with more is hidden as a whole. */
const WALK_ENTRIES_MAX = 50_000;

const DIRECTORIES: readonly (readonly [name: string, mode: number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['mnt', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['run/lock', 0o1777],
  ['srv', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['var', 0o755],
  ['var/cache', 0o755],
  ['var/lib', 0o755],
  ['var/log', 0o755],
  ['var/spool', 0o755],
  ['var/tmp', 0o1777],
];

/** The sandbox's own are mounted over the files. */
const FILES = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf'];
const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['etc/mtab', '/proc/self/mounts'],
  ['var/lock', '/run/lock'],
  ['var/run', '/run'],
];

const CONFIG = {
  user: '',
  env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  entrypoint: [],
  cmd: ['/bin/sh'],
  workingDir: '/',
  stopSignal: '',
} as const;

/** Its size is nominal: it takes no space of its own. */
export const HOST_IMAGE: ImageRecord = {
  id: `sha256:${createHash('sha256').update(JSON.stringify(CONFIG)).digest('hex')}`,
  config: CONFIG,
  size: 1,
  repoDigests: [],
  rootfs: { kind: 'host' },
};

/** Makes the mask unless it is there; returns the overlay's lower folders, the top one first. */
export function prepareHostImage(imageDir: string, makeDevice: MakeDevice): readonly string[] {
  const hidden = hiddenPaths('/');
  const name = createHash('sha256')
    .update(JSON.stringify([SKELETON_VERSION, hidden]))
    .digest('hex')
    .slice(0, 16);
  const folder = path.join(imageDir, 'host', name);
  if (!existsSync(folder)) makeMask(folder, path.join(imageDir, 'tmp'), hidden, makeDevice);
  return [path.join(folder, 'skeleton'), path.join(folder, 'hidden'), '/'];
}

/** What of the root must be hidden, relative to it, sorted; nothing below another hidden path. */
export function hiddenPaths(root: string): readonly string[] {
  const hidden = new Set(readdirSync(root).filter((name) => !VISIBLE.includes(name)));
  for (const secret of SECRETS) if (exists(path.join(root, secret))) hidden.add(secret);
  for (const tree of WALKED) {
    if (exists(path.join(root, tree))) walk(root, tree, hidden);
  }
  return [...hidden].sort();
}

/** Adds what others may not read to `hidden`. */
function walk(root: string, tree: string, hidden: Set<string>): void {
  const queue = [tree];
  let seen = 0;
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (hidden.has(name)) continue;
    seen += 1;
    if (seen > WALK_ENTRIES_MAX) {
      for (const other of hidden) if (other.startsWith(`${tree}/`)) hidden.delete(other);
      hidden.add(tree);
      return;
    }
    const stats = lstatSync(path.join(root, name));
    if (stats.isSymbolicLink()) continue;
    const isReadable =
      (stats.mode & 0o004) !== 0 && (!stats.isDirectory() || (stats.mode & 0o001) !== 0);
    if (!isReadable) hidden.add(name);
    else if (stats.isDirectory()) {
      for (const child of readdirSync(path.join(root, name))) queue.push(`${name}/${child}`);
    }
  }
}

function makeMask(
  folder: string,
  tmp: string,
  hidden: readonly string[],
  makeDevice: MakeDevice,
): void {
  const work = path.join(tmp, `host-${randomUUID()}`);
  try {
    makeSkeleton(path.join(work, 'skeleton'));
    const whiteouts = new WhiteoutMaker(path.join(work, 'whiteout'), makeDevice);
    for (const name of hidden) {
      const file = path.join(work, 'hidden', name);
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
      whiteouts.make(file);
    }
    mkdirSync(path.dirname(folder), { recursive: true, mode: 0o700 });
    renameSync(work, folder);
  } catch (error) {
    // Another runtime may have been quicker; then its mask is the same.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function makeSkeleton(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const [name, mode] of DIRECTORIES) {
    mkdirSync(path.join(root, name));
    chmodSync(path.join(root, name), mode);
  }
  for (const name of FILES) writeFileSync(path.join(root, name), '', { mode: 0o644 });
  for (const [name, target] of LINKS) symlinkSync(target, path.join(root, name));
}

function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}
