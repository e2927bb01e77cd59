/** From blobs to an image that containers can be made from: unpacks the layers, adds the record. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { digestOf } from './blob-store.ts';
import type { ImageRecord } from './image.ts';
import { type ImageStore, lowersOf } from './image-store.ts';
import { parseLayerFacts } from './layer-facts.ts';
import { type ParsedConfig, parseConfig } from './manifest.ts';
import { isOurConfig, machineArchitecture } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';
import { chainIdOf, unpackLayer } from './unpack-layer.ts';

export interface ImageParts {
  readonly manifest: Buffer;
  readonly config: Buffer;
  /** Digests of the layers as they are stored, in the order of the configuration. */
  readonly layers: readonly string[];
  /** Normal forms. */
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  /** Resolves when the blob of the layer is in the store. */
  readonly layerReady: (index: number) => Promise<void>;
  readonly onUnpacked?: (index: number) => void;
}

/** The caller holds the store. Layers are unpacked as they come, the bottom one first. */
export async function assembleImage(
  store: ImageStore,
  parts: ImageParts,
  signal: AbortSignal,
): Promise<ImageRecord> {
  const { config, diffIds } = checkedConfig(parts.config, parts.layers.length);
  for (const bytes of [parts.manifest, parts.config]) await store.blobs.put(bytes, signal);
  const chainIds: string[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const digest = parts.layers[index] ?? '';
    await parts.layerReady(index);
    signal.throwIfAborted();
    const chainId = chainIdOf(chainIds.at(-1), diffId);
    const layer = { diffId, open: () => store.blobs.open(digest) };
    await unpackLayer(store, chainId, lowersOf(store.folder, chainIds), layer, signal);
    chainIds.push(chainId);
    parts.onUnpacked?.(index);
  }
  const record: ImageRecord = {
    id: digestOf(parts.config),
    config,
    size: chainIds.reduce((sum, id) => sum + layerBytes(store, id), parts.config.length),
    repoDigests: parts.repoDigests,
    blobs: [digestOf(parts.manifest), digestOf(parts.config), ...parts.layers],
    rootfs: { kind: 'layers', chainIds },
  };
  await store.add(record, parts.names, signal);
  return record;
}

/** Throws when the image is for another machine, or its layers are not those it declares. */
export function checkedConfig(bytes: Buffer, layers: number): ParsedConfig {
  const parsed = parseConfig(bytes);
  if (!isOurConfig(parsed)) {
    const { os, architecture } = parsed;
    throw new Error(
      `The image is for ${os}/${architecture}; this machine is linux/${machineArchitecture()}`,
    );
  }
  if (parsed.diffIds.length === layers) return parsed;
  throw new Error(`The image has ${layers} layers and declares ${parsed.diffIds.length}`);
}

/** The normal form of a name for an image that is brought here; throws when it can have none. */
export function normalName(name: string): string {
  const parsed = parseReference(name);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  if (parsed.kind === 'id') throw new Error(`"${name}" is an id, not a name`);
  const reference = formatReference({ ...parsed.name, digest: undefined });
  if (!reference.startsWith('docker.io/skiff/')) return reference;
  throw new Error(`"${name}": names below docker.io/skiff/ are built in`);
}

function layerBytes(store: ImageStore, chainId: string): number {
  const text = readFileSync(path.join(store.layerFolder(chainId), 'facts.json'), 'utf8');
  return parseLayerFacts(text)?.bytes ?? 0;
}
