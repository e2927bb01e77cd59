/** Unpacks one layer into the image store, checking its digests. */

import { createHash, type Hash } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { decompressed } from './decompress.ts';
import type { ImageStore } from './image-store.ts';
import type { LayerApplier, LayerEntry } from './layer-applier.ts';

export interface LayerSource {
  /** `sha256:…` of the bytes as stored, when known. */
  readonly digest: string | undefined;
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string;
  readonly open: () => Readable;
}

/** The chain id of a layer on top of another. Source: OCI image-spec config.md (ChainID). */
export function chainIdOf(parent: string | undefined, diffId: string): string {
  if (parent === undefined) return diffId.slice('sha256:'.length);
  return createHash('sha256').update(`sha256:${parent} ${diffId}`).digest('hex');
}

/** Does nothing when the layer is there. Two processes may do this at once: one result stays. */
export async function unpackLayer(
  store: ImageStore,
  chainId: string,
  lowers: readonly string[],
  layer: LayerSource,
  signal: AbortSignal,
): Promise<void> {
  const target = store.layerFolder(chainId);
  if (existsSync(target)) return;
  const folder = store.makeTemporaryFolder();
  try {
    const bytes = await apply(store.newApplier(folder, lowers), layer, signal);
    writeFileSync(path.join(folder, 'bytes'), String(bytes));
    renameSync(folder, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function apply(
  applier: LayerApplier,
  layer: LayerSource,
  signal: AbortSignal,
): Promise<number> {
  const stored = createHash('sha256');
  const plain = createHash('sha256');
  const source = layer.open();
  const tar = extract();
  const hashed = source.pipe(tap(stored));
  source.on('error', (error) => hashed.destroy(error));
  const feeding = pipeline(await decompressed(hashed), tap(plain), tar, { signal });
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
  check('layer', layer.digest, stored);
  check('uncompressed layer', layer.diffId, plain);
  applier.finish();
  return applier.bytes;
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

function check(what: string, expected: string | undefined, hash: Hash): void {
  const actual = `sha256:${hash.digest('hex')}`;
  if (expected === undefined || expected === actual) return;
  throw new Error(`The ${what} has the digest ${actual}; ${expected} was declared`);
}
