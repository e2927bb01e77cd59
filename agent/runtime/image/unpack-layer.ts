/** Unpacks one layer into the image store, checking that it is the one that was declared. */

import { createHash, type Hash } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { decompressed } from './decompress.ts';
import { bootId } from './garbage.ts';
import type { ImageStore } from './image-store.ts';
import { LayerApplier, type LayerEntry } from './layer-applier.ts';
import type { LayerFacts } from './layer-facts.ts';
import { makeDevice } from './whiteout.ts';

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
      const counted = await apply(new LayerApplier(folder, lowers, makeDevice), layer, signal);
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
  const plain = createHash('sha256');
  const source = layer.open();
  const tar = extract();
  const feeding = pipeline(await decompressed(source), tap(plain), tar, { signal });
  // The loop fails with the same error; this keeps it from being reported twice.
  feeding.catch(() => undefined);
  try {
    for await (const entry of tar) {
      const converted = convert(entry.header, entry);
      if (converted !== undefined) await applier.add(converted);
      entry.resume();
    }
    await feeding;
  } finally {
    source.destroy();
  }
  const actual = `sha256:${plain.digest('hex')}`;
  if (layer.diffId !== actual) {
    throw new Error(
      `The uncompressed layer has the digest ${actual}; ${layer.diffId} was declared`,
    );
  }
  applier.finish();
  return { bytes: applier.bytes, inodes: applier.entries };
}
const TYPES: Readonly<Record<string, LayerEntry['type']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'link',
  'character-device': 'character',
  'block-device': 'block',
  fifo: 'fifo',
};

function convert(header: Header, content: AsyncIterable<unknown>): LayerEntry | undefined {
  const type = TYPES[header.type ?? 'file'];
  if (type === undefined) return undefined;
  return {
    name: header.name,
    type,
    mode: header.mode ?? 0o644,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtimeMs: header.mtime?.getTime() ?? 0,
    linkName: header.linkname ?? '',
    major: header.devmajor ?? 0,
    minor: header.devminor ?? 0,
    content,
  };
}

function tap(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}
