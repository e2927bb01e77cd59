/**
 * Unpacks one layer's tar stream into overlay form. The archive is hostile: nothing is ever written
 * outside the layer's folder, whatever its names and links say. That holds because the folder is
 * private to this call: what was looked at cannot be swapped before it is used.
 *
 * `diff` gets the files, and a whiteout for each `.wh.NAME`. `hide` gets a whiteout for each folder that
 * is opaque: mounted just below `diff`, it hides what lower layers have there. (Overlayfs has an
 * attribute for this, which Node cannot set.)
 *
 * Extended attributes are not restored, file capabilities among them.
 *
 * Source: OCI image-spec layer.md; POSIX pax.
 */

import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { MergedTree } from './merged-tree.ts';
import { type MakeDevice, WhiteoutMaker } from './whiteout.ts';

/** One member of a tar archive. */
export interface LayerEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
  /** Of a file; must be read to its end before the next entry. */
  readonly content: AsyncIterable<unknown>;
}

export interface LayerLimits {
  /** Members of one layer. */
  readonly entries: number;
  /** Bytes of all files of one layer: against archives that decompress without end. */
  readonly bytes: number;
  /** Device nodes of one layer: each costs a process. */
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

export class LayerApplier {
  readonly #diff: string;
  readonly #hide: string;
  readonly #tree: MergedTree;
  readonly #makeDevice: MakeDevice;
  readonly #whiteouts: WhiteoutMaker;
  readonly #limits: LayerLimits;
  readonly #removed: (readonly string[])[] = [];
  readonly #opaque: (readonly string[])[] = [];
  readonly #folderTimes = new Map<string, number>();
  #entries = 0;
  #devices = 0;
  #bytes = 0;

  /** `folder` is empty and nobody else's; `lowers` are the layers below, the top one first. */
  constructor(
    folder: string,
    lowers: readonly string[],
    makeDevice: MakeDevice,
    limits: LayerLimits = LAYER_LIMITS,
  ) {
    this.#diff = path.join(folder, 'diff');
    this.#hide = path.join(folder, 'hide');
    mkdirSync(this.#diff, { mode: 0o755 });
    this.#tree = new MergedTree([this.#diff, ...lowers]);
    this.#makeDevice = makeDevice;
    this.#whiteouts = new WhiteoutMaker(path.join(folder, 'whiteout'), makeDevice);
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
  async add(entry: LayerEntry): Promise<void> {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) throw new Error('The layer has too many entries');
    const names = checkedNames(entry.name);
    const last = names.at(-1) ?? '';
    const parent = names.slice(0, -1);
    if (last === OPAQUE) this.#opaque.push(this.#makeFolder(parent));
    else if (last.startsWith(`${WHITEOUT_PREFIX}${WHITEOUT_PREFIX}`)) return;
    else if (last.startsWith(WHITEOUT_PREFIX)) this.#addRemoval(parent, last);
    else if (names.length === 0) this.#setAttributes(this.#diff, entry);
    else await this.#addFile([...this.#makeFolder(parent), last], entry);
  }

  /** Writes whiteouts and folder times, which must come last. */
  finish(): void {
    for (const names of this.#removed) {
      const file = path.join(this.#diff, ...names);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      // Removed and made again in one layer: a new folder has nothing of the old one.
      if (stats?.isDirectory() === true) this.#opaque.push(names);
      else if (stats === undefined) this.#whiteouts.make(file);
    }
    for (const names of this.#opaque.toSorted((a, b) => a.length - b.length))
      this.#hideBelow(names);
    for (const [folder, mtimeMs] of [...this.#folderTimes].reverse()) {
      if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) {
        lutimesSync(folder, mtimeMs / 1000, mtimeMs / 1000);
      }
    }
    rmSync(path.join(path.dirname(this.#diff), 'whiteout'), { force: true });
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
    this.#whiteouts.make(file);
  }

  #addRemoval(parent: readonly string[], marker: string): void {
    const name = marker.slice(WHITEOUT_PREFIX.length);
    if (name === '' || name === '.' || name === '..')
      throw new Error(`"${marker}" removes nothing`);
    this.#removed.push([...this.#makeFolder(parent), name]);
  }

  /** Makes sure the folder is in this layer, with the attributes it has below; returns its real path. */
  #makeFolder(names: readonly string[]): readonly string[] {
    const resolved = this.#tree.resolve(names.join('/'), true).names;
    for (let depth = 1; depth <= resolved.length; depth += 1) {
      const part = resolved.slice(0, depth);
      const entry = this.#tree.lookUp(part);
      if (entry?.layer === 0 && entry.stats.isDirectory()) continue;
      if (entry !== undefined && !entry.stats.isDirectory()) {
        throw new Error(`"/${part.join('/')}" is a file, and something is to be put below it`);
      }
      const folder = path.join(this.#diff, ...part);
      mkdirSync(folder);
      if (entry !== undefined) lchownSync(folder, entry.stats.uid, entry.stats.gid);
      chmodSync(folder, entry === undefined ? 0o755 : entry.stats.mode & MODE_BITS);
      if (entry !== undefined) this.#folderTimes.set(folder, entry.stats.mtimeMs);
    }
    return resolved;
  }

  async #addFile(names: readonly string[], entry: LayerEntry): Promise<void> {
    const file = path.join(this.#diff, ...names);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    const isMerged = entry.type === 'directory' && stats?.isDirectory() === true;
    // A link's target may be the very file that it replaces.
    if (stats !== undefined && entry.type !== 'link' && !isMerged)
      rmSync(file, { recursive: true });
    switch (entry.type) {
      case 'link':
        this.#addLink(file, entry);
        return;
      case 'directory':
        if (stats?.isDirectory() !== true) mkdirSync(file);
        break;
      case 'file':
        await this.#writeContent(file, entry);
        break;
      case 'symlink':
        symlinkSync(entry.linkName, file);
        break;
      case 'character':
      case 'block':
      case 'fifo':
        this.#addDevice(file, entry);
        break;
    }
    this.#setAttributes(file, entry);
  }

  /** A link to a file of a lower layer takes a copy of it: links cannot span layers. */
  #addLink(file: string, entry: LayerEntry): void {
    const target = this.#tree.resolve(checkedNames(entry.linkName).join('/'), false);
    const { entry: found } = target;
    if (found === undefined || found.stats.isDirectory()) {
      throw new Error(`"${entry.name}" is a link to "${entry.linkName}", which is no file`);
    }
    const source = path.join(this.#diff, ...target.names);
    if (found.layer !== 0) {
      if (!found.stats.isFile())
        throw new Error(`"${entry.name}" is a link to a special file below`);
      this.#count(found.stats.size);
      this.#makeFolder(target.names.slice(0, -1));
      copyFileSync(found.file, source, constants.COPYFILE_EXCL);
      lchownSync(source, found.stats.uid, found.stats.gid);
      chmodSync(source, found.stats.mode & MODE_BITS);
    }
    if (source === file) return;
    rmSync(file, { recursive: true, force: true });
    linkSync(source, file);
  }

  async #writeContent(file: string, entry: LayerEntry): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for await (const chunk of entry.content) {
        assert(Buffer.isBuffer(chunk));
        this.#count(chunk.length);
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      }
    } finally {
      closeSync(fd);
    }
  }

  #addDevice(file: string, entry: LayerEntry): void {
    this.#devices += 1;
    if (this.#devices > this.#limits.devices)
      throw new Error('The layer has too many device nodes');
    const isWhiteoutNumber = entry.type === 'character' && entry.major === 0 && entry.minor === 0;
    if (isWhiteoutNumber) throw new Error(`"${entry.name}" is a device 0:0`);
    const type = entry.type === 'fifo' ? 'p' : entry.type === 'block' ? 'b' : 'c';
    this.#makeDevice(file, type, entry.major, entry.minor);
  }

  /** Owner first: changing it clears the set-user-id bit. */
  #setAttributes(file: string, entry: LayerEntry): void {
    lchownSync(file, checkedOwner(entry.uid), checkedOwner(entry.gid));
    if (entry.type !== 'symlink') chmodSync(file, entry.mode & MODE_BITS);
    if (entry.type === 'directory') this.#folderTimes.set(file, entry.mtimeMs);
    else lutimesSync(file, entry.mtimeMs / 1000, entry.mtimeMs / 1000);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) throw new Error('The layer has too many bytes');
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
