/**
 * The images of a machine, in one folder that the runtimes of all nodes of a lab share. Nothing here
 * takes a lock: a name is moved by rename, a layer is unpacked aside and renamed, and removal looks for
 * users after it has taken the image away, as a new user looks for the image after it has said so.
 *
 *   images/HEX.json   an image record, by id
 *   names/HASH        a reference and the id it stands for; the file's name is the reference's hash
 *   layers/CHAINID/   an unpacked layer: `diff/`, and `hide/` when it has opaque folders
 *   uses/CONTAINER    the id of the image a container was made from, and whose container it is
 *   blobs/, tmp/      what is being loaded
 *   host/             layers of the built-in image
 */

import { createHash, randomUUID } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {
  HOST_IMAGE,
  HOST_IMAGE_REFERENCE,
  type HostMount,
  hostMounts,
  prepareHostLayer,
} from './host-image.ts';
import { type ImageRecord, parseImageRecord } from './image.ts';
import { LayerApplier, OPAQUE_ROOT } from './layer-applier.ts';
import { formatReference, parseReference } from './reference.ts';
import type { MakeDevice } from './whiteout.ts';

export interface StoredImage extends ImageRecord {
  readonly repoTags: readonly string[];
}

/** Nobody takes that long to unpack a layer: it is left over. */
const STALE_MS = 24 * 60 * 60 * 1000;

const FOLDERS = ['images', 'names', 'layers', 'uses', 'tmp', 'host'];

export class ImageStore {
  readonly #dir: string;
  readonly #owner: string;
  readonly #makeDevice: MakeDevice;
  #hostLayer: string | undefined;

  /** `owner` tells the users of this runtime from those of others: its run folder. */
  constructor(imageDir: string, owner: string, makeDevice: MakeDevice) {
    this.#dir = imageDir;
    this.#owner = owner;
    this.#makeDevice = makeDevice;
    for (const folder of FOLDERS) {
      mkdirSync(path.join(imageDir, folder), { recursive: true, mode: 0o700 });
    }
  }

  /** A folder for work in progress, on the same file system as the rest. The caller removes it. */
  makeTemporaryFolder(): string {
    const folder = path.join(this.#dir, 'tmp', randomUUID());
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  get folder(): string {
    return this.#dir;
  }

  newApplier(folder: string, lowers: readonly string[]): LayerApplier {
    return new LayerApplier(folder, lowers, this.#makeDevice);
  }

  layerFolder(chainId: string): string {
    return path.join(this.#dir, 'layers', chainId);
  }

  /** By id, unique prefix of an id, name, or name with digest. Throws nothing: bad ones are unknown. */
  find(reference: string): StoredImage | undefined {
    const parsed = parseReference(reference);
    if (parsed.kind === 'id') return this.#withTags(this.#record(parsed.hex));
    if (parsed.kind === 'invalid') return undefined;
    const name = formatReference(parsed.name);
    if (parsed.name.digest === undefined) {
      if (name === HOST_IMAGE_REFERENCE) return this.#withTags(HOST_IMAGE);
      const id = this.#readName(name);
      return id === undefined ? undefined : this.#withTags(this.#record(hexOf(id)));
    }
    return this.list().find((image) => image.repoDigests.includes(name));
  }

  /** The built-in image first. */
  list(): readonly StoredImage[] {
    const tags = this.#tagsById();
    const images: StoredImage[] = [{ ...HOST_IMAGE, repoTags: [HOST_IMAGE_REFERENCE] }];
    for (const file of readdirSync(path.join(this.#dir, 'images'))) {
      const record = file.endsWith('.json')
        ? this.#record(file.slice(0, -'.json'.length))
        : undefined;
      if (record !== undefined) images.push({ ...record, repoTags: tags.get(record.id) ?? [] });
    }
    return images;
  }

  /** Stores a record whose layers are unpacked, and points the names at it. Names are normal forms. */
  add(record: ImageRecord, names: readonly string[]): void {
    this.#write(`images/${hexOf(record.id)}.json`, JSON.stringify(record));
    for (const name of names) this.#write(nameFile(name), `${record.id} ${name}`);
  }

  /**
   * Removes the image and every name it has, and those of its layers that no image and no container
   * needs. Unknown and built-in images: nothing happens.
   */
  remove(reference: string): void {
    const image = this.find(reference);
    if (image === undefined || image.rootfs.kind === 'host') return;
    for (const tag of image.repoTags) this.#delete(nameFile(tag));
    this.#delete(`images/${hexOf(image.id)}.json`);
    if (this.#usedImageIds().has(image.id)) {
      this.#write(`images/${hexOf(image.id)}.removed`, JSON.stringify(image));
      return;
    }
    this.#removeUnusedLayers(image.rootfs.chainIds);
  }

  /** Keeps the image's layers until {@link release}. False when the image has just been removed. */
  use(containerId: string, image: ImageRecord): boolean {
    if (image.rootfs.kind === 'host') return true;
    this.#write(`uses/${containerId}`, `${image.id} ${this.#owner}`);
    if (this.#record(hexOf(image.id)) !== undefined) return true;
    this.release(containerId);
    return false;
  }

  /** The last user of a removed image removes its layers. */
  release(containerId: string): void {
    const id = this.#usedImageId(containerId);
    if (id === undefined) return;
    this.#delete(`uses/${containerId}`);
    const removed = this.#read(`images/${hexOf(id)}.removed`);
    if (removed === undefined || this.#usedImageIds().has(id)) return;
    const record = parseImageRecord(JSON.parse(removed));
    this.#delete(`images/${hexOf(id)}.removed`);
    if (record?.rootfs.kind === 'layers') this.#removeUnusedLayers(record.rootfs.chainIds);
  }

  /** Releases what this runtime's other containers used: those that a crash left without a record. */
  keepOnly(containerIds: ReadonlySet<string>): void {
    for (const user of readdirSync(path.join(this.#dir, 'uses'))) {
      const isOurs = this.#read(`uses/${user}`)?.endsWith(` ${this.#owner}`) === true;
      if (isOurs && !containerIds.has(user)) this.release(user);
    }
  }

  /** Removes what somebody who was killed has left in `tmp`. */
  removeStale(nowMs: number): void {
    for (const name of readdirSync(path.join(this.#dir, 'tmp'))) {
      const file = path.join(this.#dir, 'tmp', name);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats !== undefined && nowMs - stats.mtimeMs > STALE_MS) {
        rmSync(file, { recursive: true, force: true });
      }
    }
  }

  /** The overlay's lower folders, the top one first. */
  lowerFolders(image: ImageRecord): readonly string[] {
    if (image.rootfs.kind === 'host') {
      this.#hostLayer ??= prepareHostLayer(this.#dir);
      return [this.#hostLayer];
    }
    return lowersOf(this.#dir, image.rootfs.chainIds);
  }

  /** What of the host is mounted into containers of the image: nothing, but for the built-in one. */
  hostMounts(image: ImageRecord): readonly HostMount[] {
    return image.rootfs.kind === 'host' ? hostMounts() : [];
  }

  /** Bytes and files of all images: sums of what was counted when they were unpacked. */
  usedBytes(): number {
    return this.list().reduce((sum, image) => sum + image.size, 0);
  }

  #record(hex: string): ImageRecord | undefined {
    if (`sha256:${hex}` === HOST_IMAGE.id) return HOST_IMAGE;
    const text = this.#read(`images/${hex}.json`);
    return text === undefined ? undefined : parseImageRecord(JSON.parse(text));
  }

  #withTags(record: ImageRecord | undefined): StoredImage | undefined {
    if (record === undefined) return undefined;
    if (record.rootfs.kind === 'host') return { ...record, repoTags: [HOST_IMAGE_REFERENCE] };
    return { ...record, repoTags: this.#tagsById().get(record.id) ?? [] };
  }

  #tagsById(): ReadonlyMap<string, readonly string[]> {
    const tags = new Map<string, string[]>();
    for (const file of readdirSync(path.join(this.#dir, 'names'))) {
      const [id, name] = this.#read(`names/${file}`)?.split(' ') ?? [];
      if (id !== undefined && name !== undefined)
        tags.set(id, [...(tags.get(id) ?? []), name].sort());
    }
    return tags;
  }

  #readName(name: string): string | undefined {
    return this.#read(nameFile(name))?.split(' ')[0];
  }

  #usedImageIds(): ReadonlySet<string> {
    const users = readdirSync(path.join(this.#dir, 'uses'));
    return new Set(users.map((user) => this.#usedImageId(user) ?? ''));
  }

  #usedImageId(containerId: string): string | undefined {
    return this.#read(`uses/${containerId}`)?.split(' ')[0];
  }

  #removeUnusedLayers(chainIds: readonly string[]): void {
    const needed = new Set(
      this.list().flatMap((image) => (image.rootfs.kind === 'layers' ? image.rootfs.chainIds : [])),
    );
    for (const id of this.#usedImageIds()) {
      const text = this.#read(`images/${hexOf(id)}.removed`);
      const record = text === undefined ? undefined : parseImageRecord(JSON.parse(text));
      if (record?.rootfs.kind === 'layers')
        for (const layer of record.rootfs.chainIds) needed.add(layer);
    }
    for (const chainId of chainIds.filter((layer) => !needed.has(layer))) {
      // Renamed first: half a layer must never be taken for a whole one.
      const grave = path.join(this.#dir, 'tmp', `removed-${randomUUID()}`);
      renameIfThere(this.layerFolder(chainId), grave);
      rmSync(grave, { recursive: true, force: true });
    }
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(path.join(this.#dir, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #write(name: string, text: string): void {
    const temporary = path.join(this.#dir, 'tmp', randomUUID());
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path.join(this.#dir, name));
  }

  #delete(name: string): void {
    rmSync(path.join(this.#dir, name), { force: true });
  }
}

/** The overlay's lower folders of a chain of layers given bottom first: the top one first. */
export function lowersOf(imageDir: string, chainIds: readonly string[]): readonly string[] {
  const lowers: string[] = [];
  for (const chainId of chainIds.toReversed()) {
    const folder = path.join(imageDir, 'layers', chainId);
    const parts = readdirSync(folder);
    lowers.push(path.join(folder, 'diff'));
    // A layer's opaque folders hide what is below the layer, not what is in it.
    if (parts.includes('hide')) lowers.push(path.join(folder, 'hide'));
    if (parts.includes(OPAQUE_ROOT)) break;
  }
  return lowers;
}

/** A reference may be longer than a file's name may be. */
function nameFile(name: string): string {
  return `names/${createHash('sha256').update(name).digest('hex')}`;
}

function hexOf(id: string): string {
  return id.replace(/^sha256:/, '');
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
