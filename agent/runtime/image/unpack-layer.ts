/** Unpacks one layer into the image store, checking that it is the one that was declared. */

import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { decompressed } from './decompress.ts';
import { bootId } from './garbage.ts';
import type { ImageStore } from './image-store.ts';
import { LayerApplier } from './layer-applier.ts';
import type { LayerFacts } from './layer-facts.ts';
import { TarReader } from './tar-reader.ts';

/**
 * How much larger than the stored layer its content may be, from {@link RATIO_FROM_BYTES} on. gzip cannot
 * do more than 1,032; zstd makes terabytes of a few kilobytes.
 */
const RATIO_MAX = 1_032;
const RATIO_FROM_BYTES = 256 * 2 ** 20;

export interface LayerSource {
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string;
  /** The layer as it is stored, in whatever compression. */
  readonly open: () => Readable;
}

/** The chain id of a layer on top of another. Source: OCI image-spec config.md (ChainID). */
export function chainIdOf(parent: string | undefined, diffId: string): string {
  if (parent === undefined) return diffId.slice('sha256:'.length);
  return createHash('sha256').update(`sha256:${parent} ${diffId}`).digest('hex');
}

/** Does nothing when the layer is there. Of those who want it at once, one unpacks and the rest wait. */
export async function unpackLayer(
  store: ImageStore,
  chainId: string,
  lowers: readonly string[],
  layer: LayerSource,
  signal: AbortSignal,
): Promise<void> {
  const target = store.layerFolder(chainId);
  if (existsSync(target)) return;
  const lock = await store.lockLayer(chainId, signal);
  try {
    if (existsSync(target)) return;
    const folder = store.makeTemporaryFolder();
    try {
      const counted = await apply(new LayerApplier(folder, lowers), layer, signal);
      const facts: LayerFacts = { ...counted, bootId: bootId() };
      writeFileSync(path.join(folder, 'facts.json'), JSON.stringify(facts));
      renameSync(folder, target);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    lock.release();
  }
}

async function apply(
  applier: LayerApplier,
  layer: LayerSource,
  signal: AbortSignal,
): Promise<Omit<LayerFacts, 'bootId'>> {
  const hash = createHash('sha256');
  const source = layer.open();
  const reader = new TarReader(applier);
  let stored = 0;
  let plain = 0;
  source.on('data', (chunk: Buffer) => {
    stored += chunk.length;
  });
  source.pause();
  try {
    for await (const chunk of (await decompressed(source)) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      plain += chunk.length;
      if (plain > RATIO_FROM_BYTES && plain > stored * RATIO_MAX) {
        throw new Error(`The layer decompresses to more than ${RATIO_MAX} times its size`);
      }
      hash.update(chunk);
      reader.push(chunk);
    }
    reader.finish();
    const actual = `sha256:${hash.digest('hex')}`;
    if (layer.diffId !== actual) {
      throw new Error(
        `The uncompressed layer has the digest ${actual}; ${layer.diffId} was declared`,
      );
    }
    applier.finish();
  } finally {
    source.destroy();
    applier.close();
  }
  return { bytes: applier.bytes, inodes: applier.entries };
}
