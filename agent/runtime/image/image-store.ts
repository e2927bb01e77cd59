/**
 * The images of a machine, in one folder that the runtimes of all nodes of a lab share. Whoever brings
 * an image here holds the store's lock together with others who do; what nobody needs is removed by
 * whoever gets that lock alone (garbage.ts). Reading takes no lock: a name is moved by rename, a layer
 * is unpacked aside and renamed.
 *
 *   images/HEX.json   an image record, by id
 *   names/HASH        a reference and the id it stands for; the file's name is the reference's hash
 *   blobs/sha256/HEX  manifests, configurations and layers as they came; partial/ those on their way
 *   layers/CHAINID/   an unpacked layer: `diff/`, and `hide/` when it has opaque folders
 *   uses/CONTAINER    the image a container was made from, its layers, and whose container it is
 *   removed/HEX.json  the record of an image whose layers and blobs are to go
 *   locks/, work/, tmp/  who does what, and what is being made
 *   host/             layers of the built-in image
 */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { syncFileSystem } from '../syscalls/files.ts';
import { BLOBS, BlobStore, hexOf, PARTIAL } from './blob-store.ts';
import { FileLock } from './file-lock.ts';
import { collectLeftovers, collectRemoved, measure, type StoreUsage } from './garbage.ts';
import {
  HOST_IMAGE,
  HOST_IMAGE_REFERENCE,
  type HostMount,
  hostMounts,
  prepareHostLayer,
} from './host-image.ts';
import { type ImageRecord, parseImageRecord } from './image.ts';
import { OPAQUE_ROOT } from './layer-applier.ts';
import { formatReference, parseReference } from './reference.ts';
import { StoreFiles } from './store-files.ts';
import { formatUse, parseUse } from './use.ts';

export interface StoredImage extends ImageRecord {
  readonly repoTags: readonly string[];
}

export const STORE_LOCK = 'store.lock';
const FOLDERS = [
  ...['images', 'names', 'layers', 'uses', 'removed', 'locks', 'work', 'tmp', 'host'],
  ...[BLOBS, PARTIAL],
];

export class ImageStore {
  readonly blobs: BlobStore;
  readonly #files: StoreFiles;
  readonly #owner: string;
  readonly #clock: Clock;
  #hostLayer: string | undefined;

  /** `owner` tells the users of this runtime from those of others: its run folder. */
  constructor(imageDir: string, owner: string, clock: Clock) {
    this.#files = new StoreFiles(imageDir, FOLDERS);
    this.blobs = new BlobStore(this.#files, clock);
    this.#owner = owner;
    this.#clock = clock;
  }

  /** A folder for work in progress, on the same file system as the rest. The caller removes it. */
  makeTemporaryFolder(): string {
    const folder = this.#files.path(`work/${randomUUID()}`);
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  get folder(): string {
    return this.#files.root;
  }

  layerFolder(chainId: string): string {
    return this.#files.path(`layers/${chainId}`);
  }

  /** What is brought here while this runs is not taken for garbage. */
  async hold<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const file = this.#files.path(STORE_LOCK);
    const lock = await FileLock.take(file, 'shared', this.#clock, signal);
    try {
      return await work();
    } finally {
      lock.release();
      this.#collect();
    }
  }

  /** Held while a layer is unpacked: once for all who need it. */
  lockLayer(chainId: string, signal: AbortSignal): Promise<FileLock> {
    return this.#lock(`layer-${chainId}`, signal);
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
    for (const file of this.#files.list('images')) {
      const record = this.#record(file.slice(0, -'.json'.length));
      if (record !== undefined) images.push({ ...record, repoTags: tags.get(record.id) ?? [] });
    }
    return images;
  }

  /**
   * Stores a record whose blobs and unpacked layers are here, and points the names at it, when all of it
   * is on disk. Names are normal forms. The same image under another name keeps the names it has.
   */
  async add(record: ImageRecord, names: readonly string[], signal: AbortSignal): Promise<void> {
    await syncFileSystem(this.#files.root);
    const lock = await this.#lock('records', signal);
    try {
      const digests = [
        ...(this.#record(hexOf(record.id))?.repoDigests ?? []),
        ...record.repoDigests,
      ];
      const merged: ImageRecord = { ...record, repoDigests: [...new Set(digests)] };
      this.#files.write(`images/${hexOf(record.id)}.json`, JSON.stringify(merged));
      for (const name of names) this.#files.write(nameFile(name), `${record.id} ${name}`);
    } finally {
      lock.release();
    }
  }

  /**
   * Removes the image and every name it has, and those of its layers and blobs that no image and no
   * container needs, or leaves them to whoever is bringing images at this moment. Unknown and built-in
   * images: nothing happens.
   */
  remove(reference: string): void {
    const image = this.find(reference);
    if (image === undefined || image.rootfs.kind === 'host') return;
    this.#files.write(`removed/${hexOf(image.id)}.json`, JSON.stringify(image));
    for (const tag of image.repoTags) this.#files.delete(nameFile(tag));
    this.#files.delete(`images/${hexOf(image.id)}.json`);
    this.#collect();
  }

  /**
   * Keeps the layers of the image, and of those that are mounted in the container, until
   * {@link release}. False when one has just been removed.
   */
  use(containerId: string, image: ImageRecord, mounted: readonly ImageRecord[] = []): boolean {
    const { rootfs, id: imageId } = image;
    const chainIds = [image, ...mounted].flatMap((each) =>
      each.rootfs.kind === 'host' ? [] : each.rootfs.chainIds,
    );
    const use = { imageId, owner: this.#owner, chainIds };
    if (rootfs.kind === 'host') {
      let hostLayer: string;
      do {
        hostLayer = this.#currentHostLayer();
        const layerUse = { ...use, hostLayer: path.basename(hostLayer) };
        this.#files.write(`uses/${containerId}`, formatUse(layerUse), 'volatile');
        // Another runtime may have removed the layer just before, as nobody used it.
      } while (!existsSync(hostLayer));
    } else this.#files.write(`uses/${containerId}`, formatUse(use), 'volatile');
    // In this order: who removes an image looks for its users afterwards.
    const all = [image, ...mounted];
    if (all.every(({ id }) => this.#record(hexOf(id)) !== undefined)) return true;
    this.release(containerId);
    return false;
  }

  /** The last user of a removed image has its layers removed. */
  release(containerId: string): void {
    if (this.#files.read(`uses/${containerId}`) === undefined) return;
    this.#files.delete(`uses/${containerId}`);
    this.#collect();
  }

  /** Releases what this runtime's other containers used: those that a crash left without a record. */
  keepOnly(containerIds: ReadonlySet<string>): void {
    for (const user of this.#files.list('uses')) {
      const isOurs = parseUse(this.#files.read(`uses/${user}`))?.owner === this.#owner;
      if (isOurs && !containerIds.has(user)) this.release(user);
    }
  }

  /** Removes what those who were killed have left. Another runtime that is at work will do it. */
  removeStale(nowMs: number): void {
    const hostLayer = path.basename(this.#currentHostLayer());
    this.#alone(() => collectLeftovers(this.#files, { images: this.list(), hostLayer, nowMs }));
  }

  /** The overlay's lower folders, the top one first. */
  lowerFolders(image: ImageRecord): readonly string[] {
    if (image.rootfs.kind === 'host') {
      return [this.#currentHostLayer()];
    }
    return lowersOf(this.folder, image.rootfs.chainIds);
  }

  /** What of the host is mounted into containers of the image: nothing, but for the built-in one. */
  hostMounts(image: ImageRecord): readonly HostMount[] {
    return image.rootfs.kind === 'host' ? hostMounts() : [];
  }

  /** What the store takes of its disk: counted when it was unpacked, and by the sizes of the blobs. */
  usage(): StoreUsage {
    return measure(this.#files);
  }

  /** Whether all layers are unpacked. */
  isUnpacked(chainIds: readonly string[]): boolean {
    return chainIds.every((id) => existsSync(this.layerFolder(id)));
  }

  #currentHostLayer(): string {
    if (this.#hostLayer === undefined || !existsSync(this.#hostLayer)) {
      this.#hostLayer = prepareHostLayer(this.folder);
    }
    return this.#hostLayer;
  }

  #collect(): void {
    this.#alone(() => collectRemoved(this.#files, this.list()));
  }

  /** When nobody brings anything; otherwise those who do will collect after it. */
  #alone(work: () => void): void {
    const lock = FileLock.tryTake(this.#files.path(STORE_LOCK), 'exclusive');
    if (lock === undefined) return;
    try {
      work();
    } finally {
      lock.release();
    }
  }

  #lock(name: string, signal: AbortSignal): Promise<FileLock> {
    return FileLock.take(this.#files.path(`locks/${name}`), 'exclusive', this.#clock, signal);
  }

  #record(hex: string): ImageRecord | undefined {
    if (`sha256:${hex}` === HOST_IMAGE.id) return HOST_IMAGE;
    const text = this.#files.read(`images/${hex}.json`);
    return text === undefined ? undefined : parseImageRecord(JSON.parse(text));
  }

  #withTags(record: ImageRecord | undefined): StoredImage | undefined {
    if (record === undefined) return undefined;
    if (record.rootfs.kind === 'host') return { ...record, repoTags: [HOST_IMAGE_REFERENCE] };
    return { ...record, repoTags: this.#tagsById().get(record.id) ?? [] };
  }

  #tagsById(): ReadonlyMap<string, readonly string[]> {
    const tags = new Map<string, string[]>();
    for (const file of this.#files.list('names')) {
      const [id, name] = this.#files.read(`names/${file}`)?.split(' ') ?? [];
      if (id !== undefined && name !== undefined)
        tags.set(id, [...(tags.get(id) ?? []), name].sort());
    }
    return tags;
  }

  #readName(name: string): string | undefined {
    return this.#files.read(nameFile(name))?.split(' ')[0];
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
