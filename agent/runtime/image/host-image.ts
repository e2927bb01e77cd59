/**
 * `skiff/host`, the built-in image: the software of the host, so that a first pod needs no registry.
 * What shows is listed here; all else of the host is not there:
 *
 * - /usr, and /bin, /lib and so on where they are folders of their own, mounted read-only;
 * - a copy of /etc, without what an ordinary user of the host could not read (private keys, shadow,
 *   wireless passwords …) and without the {@link SECRETS} by name, whatever their mode;
 * - an empty skeleton of the rest: /root, /home, /tmp, /var …
 *
 * The copy and the skeleton are one overlay layer, named by its content, made once for all runtimes that
 * share the image folder and made anew when /etc has changed. (`/` itself cannot be a layer beside
 * others: overlayfs refuses layers that lie inside one another.)
 */

import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { ImageRecord } from './image.ts';

export const HOST_IMAGE_REFERENCE = 'docker.io/skiff/host:latest';

/** Raised when the layer is made in another way: its name is made from it. */
const LAYER_VERSION = 1;

/** Software: mounted, or copied where they are symbolic links. */
const SOFTWARE = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr'];

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

/** A host with more below /etc is not one we know what to do with. */
const ENTRIES_MAX = 50_000;
/** Larger files of /etc are left out: they are data. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

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
  blobs: [],
  rootfs: { kind: 'host' },
};

/** A folder of the host that is mounted into every container of the image, read-only. */
export interface HostMount {
  readonly source: string;
  readonly target: string;
}

/** Makes the layer unless it is there; returns its folder. About 30 ms. */
export function prepareHostLayer(imageDir: string): string {
  const entries = visibleEntries('/', 'etc');
  const facts = entries.map(({ name, stats }) => [name, stats.mode, stats.size, stats.mtimeMs]);
  const name = createHash('sha256')
    .update(JSON.stringify([LAYER_VERSION, facts]))
    .digest('hex');
  const folder = path.join(imageDir, 'host', name.slice(0, 16));
  if (!existsSync(folder)) makeLayer(folder, path.join(imageDir, 'tmp'), entries);
  return folder;
}

/** What of the host is mounted rather than copied. */
export function hostMounts(): readonly HostMount[] {
  return SOFTWARE.map((name) => `/${name}`)
    .filter((folder) => lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true)
    .map((folder) => ({ source: folder, target: folder }));
}

export interface HostEntry {
  /** Relative to the root. */
  readonly name: string;
  readonly stats: Stats;
}

/** A tree of the host without what must stay hidden; parents before what is in them. */
export function visibleEntries(root: string, tree: string): readonly HostEntry[] {
  const entries: HostEntry[] = [];
  const queue = [tree];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const stats = lstatSync(path.join(root, name), { throwIfNoEntry: false });
    if (stats === undefined || !isVisible(name, stats)) continue;
    if (entries.length >= ENTRIES_MAX)
      throw new Error(`/${tree} has more than ${ENTRIES_MAX} entries`);
    entries.push({ name, stats });
    if (!stats.isDirectory()) continue;
    for (const child of readdirSync(path.join(root, name)).sort()) queue.push(`${name}/${child}`);
  }
  return entries;
}

function isVisible(name: string, stats: Stats): boolean {
  if (SECRETS.includes(name) || FILES.includes(name)) return false;
  if (stats.isSymbolicLink()) return true;
  if (stats.isDirectory()) return (stats.mode & 0o005) === 0o005;
  return stats.isFile() && (stats.mode & 0o004) !== 0 && stats.size <= FILE_BYTES_MAX;
}

function makeLayer(folder: string, tmp: string, entries: readonly HostEntry[]): void {
  const work = path.join(tmp, `host-${randomUUID()}`);
  try {
    makeSkeleton(work);
    for (const { name, stats } of entries)
      copyEntry(path.join('/', name), path.join(work, name), stats);
    // Ours, not the host's.
    for (const name of FILES) writeFileSync(path.join(work, name), '', { mode: 0o644 });
    renameSync(work, folder);
  } catch (error) {
    // Another runtime may have been quicker; then its layer is the same.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function copyEntry(from: string, to: string, stats: Stats): void {
  if (stats.isSymbolicLink()) {
    rmSync(to, { force: true });
    symlinkSync(readlinkSync(from), to);
    return;
  }
  if (stats.isDirectory()) mkdirSync(to, { recursive: true });
  else copyFileSync(from, to);
  lchownSync(to, stats.uid, stats.gid);
  chmodSync(to, stats.mode & 0o7777);
}

function makeSkeleton(root: string): void {
  mkdirSync(root, { mode: 0o755 });
  for (const [name, mode] of DIRECTORIES) {
    mkdirSync(path.join(root, name));
    chmodSync(path.join(root, name), mode);
  }
  for (const [name, target] of LINKS) symlinkSync(target, path.join(root, name));
  for (const name of SOFTWARE) {
    const stats = lstatSync(path.join('/', name), { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) mkdirSync(path.join(root, name), { mode: 0o755 });
    if (stats?.isSymbolicLink() === true) {
      symlinkSync(readlinkSync(path.join('/', name)), path.join(root, name));
    }
  }
}
