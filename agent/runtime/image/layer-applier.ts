/**
 * Unpacks one layer's members into overlay form. The archive is hostile: nothing is ever written
 * outside the layer's folder, whatever its names and links say (layer-folder.ts), and what it may take
 * is bounded.
 *
 * `diff` gets the files, and a whiteout for each `.wh.NAME`. `hide` gets a whiteout for each folder that
 * is opaque: mounted just below `diff`, it hides what lower layers have there.
 *
 * Source: OCI image-spec layer.md; POSIX pax.
 */

import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {
  chownAt,
  linkAt,
  mkdirAt,
  mknodAt,
  openAt,
  readXattrs,
  symlinkAt,
  utimesAt,
} from '../syscalls/files.ts';
import {
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
} from '../syscalls/linux.ts';
import { SyscallError } from '../syscalls/syscall-error.ts';
import { LayerFolder, type OpenFolder } from './layer-folder.ts';
import { changeMode, setXattrs } from './set-attributes.ts';
import type { TarEntry } from './tar-entry.ts';
import type { TarSink } from './tar-reader.ts';
import { WhiteoutMaker } from './whiteout.ts';

export interface LayerLimits {
  /** Members of one layer. */
  readonly entries: number;
  /** Bytes of all files of one layer, holes included: against archives that decompress without end. */
  readonly bytes: number;
  /** Device nodes and pipes of one layer: no image needs many. */
  readonly devices: number;
}

export const LAYER_LIMITS: LayerLimits = {
  entries: 1_000_000,
  bytes: 32 * 2 ** 30,
  devices: 1_000,
};

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** NAME_MAX and PATH_MAX of Linux. */
const NAME_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4_096;
/** Permissions, with set-user-id, set-group-id and sticky. */
const MODE_BITS = 0o7777;
/** A file in the layer's folder: the layer hides everything below it. */
export const OPAQUE_ROOT = 'opaque-root';
/** The kernel reads owners as 32 bits and keeps the last value for "no change". */
const OWNER_MAX = 2 ** 32 - 2;
/** Of a device number, as the kernel has them. */
const MAJOR_MAX = 0xfff;
const MINOR_MAX = 0xfffff;

interface OpenFile {
  readonly fd: number;
  readonly folder: OpenFolder;
  readonly name: string;
  readonly entry: TarEntry;
}

export class LayerApplier implements TarSink {
  readonly #diff: string;
  readonly #hide: string;
  readonly #folder: LayerFolder;
  readonly #whiteouts: WhiteoutMaker;
  readonly #limits: LayerLimits;
  readonly #removed: (readonly string[])[] = [];
  readonly #opaque: (readonly string[])[] = [];
  #file: OpenFile | undefined;
  #entries = 0;
  #devices = 0;
  #bytes = 0;

  /** `folder` is empty and nobody else's; `lowers` are the layers below, the top one first. */
  constructor(folder: string, lowers: readonly string[], limits: LayerLimits = LAYER_LIMITS) {
    this.#diff = path.join(folder, 'diff');
    this.#hide = path.join(folder, 'hide');
    mkdirSync(this.#diff, { mode: 0o755 });
    this.#folder = new LayerFolder(this.#diff, lowers);
    this.#whiteouts = new WhiteoutMaker(folder);
    this.#limits = limits;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of the files so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws at an entry that is not allowed, or beyond a limit. */
  begin(entry: TarEntry): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) throw new Error('The layer has too many entries');
    const names = checkedNames(entry.name);
    const last = names.at(-1) ?? '';
    const parent = names.slice(0, -1);
    if (last === OPAQUE) this.#opaque.push(this.#folder.make(parent).names);
    else if (last.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return;
    else if (last.startsWith(WHITEOUT_PREFIX)) this.#addRemoval(parent, last);
    else if (names.length > 0) this.#add(this.#folder.make(parent), last, entry);
    else if (entry.type === 'directory') this.#setFolder([], entry);
  }

  write(chunk: Buffer, offset: number): void {
    if (this.#file === undefined) return; // Of a whiteout, which has no content.
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(this.#file.fd, chunk, at, chunk.length - at, offset + at);
    }
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { fd, folder, name, entry } = file;
    try {
      // Owner first: changing it clears the set-user-id bit, and capabilities.
      fchownSync(fd, checkedOwner(entry.uid), checkedOwner(entry.gid));
      fchmodSync(fd, entry.mode & MODE_BITS);
      setXattrs(fd, entry.xattrs);
      utimesAt(folder.fd, name, entry.mtimeNs);
    } finally {
      closeSync(fd);
    }
  }

  /** Writes whiteouts and folder times, which must come last. */
  finish(): void {
    for (const names of this.#removed) this.#remove(names);
    for (const names of this.#opaque.toSorted((a, b) => a.length - b.length))
      this.#hideBelow(names);
    this.#folder.setTimes();
  }

  /** In any case, once. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
    this.#folder.close();
    this.#whiteouts.close();
  }

  #remove(names: readonly string[]): void {
    const parent = names.slice(0, -1);
    const folder = this.#folder.lookUp(parent);
    // Something else may have taken the place of the folder since.
    if (folder?.layer !== 0 || !folder.stats.isDirectory()) return;
    const fd = this.#folder.openBelow(parent, O_PATH | O_DIRECTORY);
    try {
      const name = names.at(-1) ?? '';
      const stats = lstatSync(`/proc/self/fd/${fd}/${name}`, { throwIfNoEntry: false });
      // Removed and made again in one layer: a new folder has nothing of the old one.
      if (stats?.isDirectory() === true) this.#opaque.push(names);
      else if (stats === undefined) this.#whiteouts.make(fd, name);
    } finally {
      closeSync(fd);
    }
  }

  #hideBelow(names: readonly string[]): void {
    if (names.length === 0) {
      writeFileSync(path.join(path.dirname(this.#diff), OPAQUE_ROOT), '');
      return;
    }
    for (let depth = 1; depth <= names.length; depth += 1) {
      const file = path.join(this.#hide, ...names.slice(0, depth));
      const stats = lstatSync(file, { throwIfNoEntry: false });
      // It, or a folder it is in, is opaque already.
      if (stats !== undefined && !stats.isDirectory()) return;
    }
    const file = path.join(this.#hide, ...names);
    rmSync(file, { recursive: true, force: true });
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    // Only folders and whiteouts are ever made in there.
    const fd = openSync(path.dirname(file), O_PATH | O_DIRECTORY | O_CLOEXEC);
    try {
      this.#whiteouts.make(fd, path.basename(file));
    } finally {
      closeSync(fd);
    }
  }

  #addRemoval(parent: readonly string[], marker: string): void {
    const name = marker.slice(WHITEOUT_PREFIX.length);
    if (name === '' || name === '.' || name === '..')
      throw new Error(`"${marker}" removes nothing`);
    this.#removed.push([...this.#folder.make(parent).names, name]);
  }

  #add(folder: OpenFolder, name: string, entry: TarEntry): void {
    switch (entry.type) {
      case 'link':
        this.#addLink(folder, name, entry);
        return;
      case 'directory': {
        const names = [...folder.names, name];
        const found = this.#folder.lookUp(names);
        const isMerged = found?.layer === 0 && found.stats.isDirectory();
        if (found?.stats.isDirectory() === false) this.#folder.forgetCovered();
        if (!isMerged) this.#replacing(folder, name, () => mkdirAt(folder.fd, name, 0o755));
        this.#setFolder(names, entry);
        return;
      }
      case 'file': {
        this.#count(entry.size);
        const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        const fd = this.#replacing(folder, name, () => openAt(folder.fd, name, flags, 0o600));
        this.#file = { fd, folder, name, entry };
        // Holes at the end are bytes of the file, too.
        if (entry.size > 0) ftruncateSync(fd, entry.size);
        return;
      }
      case 'symlink':
        if (entry.linkName === '' || entry.linkName.includes('\0')) {
          throw new Error(`"${entry.name}" is a symbolic link to nothing`);
        }
        this.#replacing(folder, name, () => symlinkAt(entry.linkName, folder.fd, name));
        this.#folder.forgetCovered();
        this.#setOwnerAndTime(folder, name, entry);
        return;
      case 'character':
      case 'block':
      case 'fifo':
        this.#addDevice(folder, name, entry);
        return;
    }
  }

  /** Makes the name; when it is taken, what is there goes first. */
  #replacing(folder: OpenFolder, name: string, make: () => number): number {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== 'EEXIST') throw error;
    }
    rmSync(`/proc/self/fd/${folder.fd}/${name}`, { recursive: true });
    this.#folder.forget();
    return make();
  }

  /** A link to a file of a lower layer takes a copy of it: links cannot span layers. */
  #addLink(folder: OpenFolder, name: string, entry: TarEntry): void {
    const target = this.#folder.resolve(checkedNames(entry.linkName));
    const { entry: found, names } = target;
    if (found === undefined || found.stats.isDirectory()) {
      throw new Error(`"${entry.name}" is a link to "${entry.linkName}", which is no file`);
    }
    const last = names.at(-1) ?? '';
    if (found.layer !== 0) {
      if (!found.stats.isFile())
        throw new Error(`"${entry.name}" is a link to a special file below`);
      this.#count(found.stats.size);
      this.#copyUp(found.file, found.stats, names);
    }
    if (names.join('/') === [...folder.names, name].join('/')) return;
    const source = this.#folder.openBelow(names.slice(0, -1), O_PATH | O_DIRECTORY);
    try {
      this.#replacing(folder, name, () => linkAt(source, last, folder.fd, name));
    } finally {
      closeSync(source);
    }
    this.#folder.forgetCovered();
  }

  #copyUp(
    from: string,
    stats: { readonly uid: number; readonly gid: number; readonly mode: number },
    names: readonly string[],
  ): void {
    const folder = this.#folder.make(names.slice(0, -1));
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const fd = openAt(folder.fd, names.at(-1) ?? '', flags, 0o600);
    try {
      copyFileSync(from, `/proc/self/fd/${fd}`);
      fchownSync(fd, stats.uid, stats.gid);
      fchmodSync(fd, stats.mode & MODE_BITS);
      setXattrs(fd, xattrsOf(from));
    } finally {
      closeSync(fd);
    }
  }

  #addDevice(folder: OpenFolder, name: string, entry: TarEntry): void {
    this.#devices += 1;
    if (this.#devices > this.#limits.devices)
      throw new Error('The layer has too many device nodes');
    const { major, minor, type } = entry;
    if (type === 'character' && major === 0 && minor === 0)
      throw new Error(`"${entry.name}" is a device 0:0`);
    if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX)
      throw new Error(`"${entry.name}" is a device ${major}:${minor}`);
    const kind = type === 'fifo' ? S_IFIFO : type === 'block' ? S_IFBLK : S_IFCHR;
    const device = type === 'fifo' ? 0 : (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    this.#replacing(folder, name, () => mknodAt(folder.fd, name, kind | 0o600, device >>> 0));
    this.#setOwnerAndTime(folder, name, entry);
    const fd = openAt(folder.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    try {
      changeMode(fd, entry.mode & MODE_BITS);
    } finally {
      closeSync(fd);
    }
  }

  #setFolder(names: readonly string[], entry: TarEntry): void {
    const fd = this.#folder.openBelow(names, O_RDONLY | O_DIRECTORY);
    try {
      fchownSync(fd, checkedOwner(entry.uid), checkedOwner(entry.gid));
      fchmodSync(fd, entry.mode & MODE_BITS);
      setXattrs(fd, entry.xattrs);
    } finally {
      closeSync(fd);
    }
    this.#folder.setTimeLater(names, entry.mtimeNs);
  }

  #setOwnerAndTime(folder: OpenFolder, name: string, entry: TarEntry): void {
    chownAt(folder.fd, name, checkedOwner(entry.uid), checkedOwner(entry.gid));
    utimesAt(folder.fd, name, entry.mtimeNs);
  }

  #count(bytes: number): void {
    assert(bytes >= 0);
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) throw new Error('The layer has too many bytes');
  }
}

/** Of a file of a lower layer, which nobody writes to. */
function xattrsOf(file: string): ReadonlyMap<string, Buffer> {
  const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  try {
    return readXattrs(fd);
  } finally {
    closeSync(fd);
  }
}

/** The path as names below the root. `..` is refused, `/` at the start means the root. */
function checkedNames(name: string): readonly string[] {
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  const isTooLong =
    Buffer.byteLength(name) > PATH_BYTES_MAX ||
    names.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX);
  if (names.includes('..') || name.includes('\0') || isTooLong) {
    throw new Error(`${JSON.stringify(name.slice(0, NAME_BYTES_MAX))} is not a path in a layer`);
  }
  return names;
}

function checkedOwner(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= OWNER_MAX) return id;
  throw new Error(`${id} is not the number of a user or group`);
}
