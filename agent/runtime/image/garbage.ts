/**
 * What of the store nobody needs: layers and blobs that no image is made of and no container uses. Only
 * for who has the store alone. What an interrupted pull has brought stays for a day, so that the next
 * one goes on with it; what belonged to an image that was removed goes at once.
 */

import { readFileSync, rmSync, statSync } from 'node:fs';
import { BLOBS, hexOf, PARTIAL } from './blob-store.ts';
import { type ImageRecord, parseImageRecord } from './image.ts';
import { parseLayerFacts } from './layer-facts.ts';
import type { StoreFiles } from './store-files.ts';
import { parseUse } from './use.ts';

/** An interrupted pull is usually tried again within minutes: what is older is left over. */
const STALE_MS = 24 * 60 * 60 * 1000;
/** Bytes a file of the store takes at least; for the small ones beside the blobs. */
const DISK_BLOCK = 4096;

interface Needed {
  readonly layers: ReadonlySet<string>;
  readonly blobs: ReadonlySet<string>;
  readonly hostLayers: ReadonlySet<string>;
}

export interface StoreUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Removes what belonged to removed images; what containers still use waits for them. */
export function collectRemoved(files: StoreFiles, images: readonly ImageRecord[]): void {
  const removed = files.list('removed');
  if (removed.length === 0) return;
  const needed = neededBy(files, images);
  for (const file of removed) {
    const text = files.read(`removed/${file}`) ?? '{}';
    const record = parseImageRecord(JSON.parse(text));
    const chainIds = record?.rootfs.kind === 'layers' ? record.rootfs.chainIds : [];
    for (const digest of record?.blobs ?? []) {
      if (!needed.blobs.has(digest)) files.delete(`${BLOBS}/${hexOf(digest)}`);
    }
    for (const id of chainIds.filter((id) => !needed.layers.has(id))) files.bury(`layers/${id}`);
    const isUsed = chainIds.some((id) => needed.layers.has(id) && !isOfImage(images, id));
    if (!isUsed) files.delete(`removed/${file}`);
  }
}

/** Removes what those who were killed have left, and layers that a power cut may have torn. */
export function collectLeftovers(
  files: StoreFiles,
  store: {
    readonly images: readonly ImageRecord[];
    /** The folder below `host/` that new containers use. */
    readonly hostLayer: string;
    readonly nowMs: number;
  },
): void {
  collectRemoved(files, store.images);
  const needed = neededBy(files, store.images);
  const isStale = (name: string): boolean =>
    store.nowMs - (files.modifiedMs(name) ?? store.nowMs) > STALE_MS;
  for (const folder of ['work', 'locks']) {
    for (const name of files.list(folder)) {
      rmSync(files.path(`${folder}/${name}`), { recursive: true, force: true });
    }
  }
  for (const name of files.list('layers').filter((id) => !needed.layers.has(id))) {
    const facts = parseLayerFacts(files.read(`layers/${name}/facts.json`));
    if (facts?.bootId !== bootId() || isStale(`layers/${name}`)) files.bury(`layers/${name}`);
  }
  for (const name of files.list('host')) {
    if (name !== store.hostLayer && !needed.hostLayers.has(name)) files.bury(`host/${name}`);
  }
  const blobs = files.list(BLOBS).filter((hex) => !needed.blobs.has(`sha256:${hex}`));
  const unneeded = [
    ...blobs.map((hex) => `${BLOBS}/${hex}`),
    ...files.list(PARTIAL).map((hex) => `${PARTIAL}/${hex}`),
    ...files.list('tmp').map((name) => `tmp/${name}`),
  ];
  for (const name of unneeded.filter(isStale)) {
    rmSync(files.path(name), { recursive: true, force: true });
  }
}

/** Bytes and inodes of all layers, blobs and partial blobs. */
export function measure(files: StoreFiles): StoreUsage {
  let bytes = 0;
  let inodes = 0;
  for (const id of files.list('layers')) {
    const facts = parseLayerFacts(files.read(`layers/${id}/facts.json`));
    bytes += facts?.bytes ?? 0;
    inodes += facts?.inodes ?? 0;
  }
  for (const folder of [BLOBS, PARTIAL]) {
    for (const name of files.list(folder)) {
      bytes += statSync(files.path(`${folder}/${name}`), { throwIfNoEntry: false })?.size ?? 0;
      inodes += 1;
    }
  }
  for (const folder of ['images', 'names', 'uses']) {
    const count = files.list(folder).length;
    bytes += count * DISK_BLOCK;
    inodes += count;
  }
  return { bytes, inodes };
}

/** Changes with each start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function neededBy(files: StoreFiles, images: readonly ImageRecord[]): Needed {
  const layers = new Set<string>();
  const blobs = new Set<string>();
  const hostLayers = new Set<string>();
  for (const image of images) {
    for (const digest of image.blobs) blobs.add(digest);
    for (const id of image.rootfs.kind === 'layers' ? image.rootfs.chainIds : []) layers.add(id);
  }
  for (const user of files.list('uses')) {
    const use = parseUse(files.read(`uses/${user}`));
    for (const id of use?.chainIds ?? []) layers.add(id);
    if (use?.hostLayer !== undefined) hostLayers.add(use.hostLayer);
  }
  return { layers, blobs, hostLayers };
}

function isOfImage(images: readonly ImageRecord[], chainId: string): boolean {
  return images.some(({ rootfs }) => rootfs.kind === 'layers' && rootfs.chainIds.includes(chainId));
}
