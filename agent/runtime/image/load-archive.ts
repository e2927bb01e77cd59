/**
 * Loads images from archives into the store: OCI layouts (a folder, or a tar of one) and what
 * `docker save` writes. The lab calls this for `skiff image load`; no runtime needs to be told.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BlobSource } from './blob-source.ts';
import type { ImageRecord } from './image.ts';
import type { ImageStore } from './image-store.ts';
import { lowersOf } from './image-store.ts';
import {
  type Descriptor,
  DOCUMENT_BYTES_MAX,
  parseConfig,
  parseDockerManifest,
  parseDocument,
} from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import { chainIdOf, type LayerSource, unpackLayer } from './unpack-layer.ts';

/** An index in an index in an index: more is not an image. */
const INDEX_DEPTH_MAX = 3;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** containerd and Docker put the full name here; the OCI annotation is often only a tag. */
const FULL_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';

export interface LoadedImage {
  readonly id: string;
  /** Normal forms of the names the archive gave it. */
  readonly names: readonly string[];
}

export interface LoadOptions {
  /** A name for an image to which the archive gives none. */
  readonly name?: string;
  readonly signal: AbortSignal;
}

/** Reads the archive to its end. Throws when it is none, when a digest is wrong, or a limit is passed. */
export async function loadArchive(
  store: ImageStore,
  archive: Readable,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const folder = store.makeTemporaryFolder();
  try {
    const source = await BlobSource.ofArchive(archive, folder, options.signal);
    return await loadFrom(store, source, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same from a folder in OCI layout. */
export function loadLayout(
  store: ImageStore,
  folder: string,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  return loadFrom(store, BlobSource.ofFolder(folder), options);
}

async function loadFrom(
  store: ImageStore,
  source: BlobSource,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const candidates = await findImages(source);
  if (candidates.length === 0) {
    throw new Error(`The archive has no image for linux/${architecture()}`);
  }
  const loaded: LoadedImage[] = [];
  for (const candidate of candidates) loaded.push(await loadImage(store, candidate, options));
  return loaded;
}

interface Candidate {
  readonly config: Buffer;
  /** `sha256:…` of the manifest, when there is one. */
  readonly manifestDigest: string | undefined;
  readonly names: readonly string[];
  /** For each layer, in the order of the configuration. */
  readonly layers: readonly Omit<LayerSource, 'diffId'>[];
}

/** A new `docker save` has both forms; the index is the one with digests. */
async function findImages(source: BlobSource): Promise<readonly Candidate[]> {
  if (source.has('index.json')) {
    const index = parseDocument(await source.read('index.json', DOCUMENT_BYTES_MAX));
    return index.kind === 'index' ? findInIndex(source, index.manifests, [], 1) : [];
  }
  if (!source.has('manifest.json')) {
    throw new Error('The archive is neither in OCI layout nor made by docker save');
  }
  const images = parseDockerManifest(await source.read('manifest.json', DOCUMENT_BYTES_MAX));
  const candidates: Candidate[] = [];
  for (const image of images) {
    candidates.push({
      config: await source.read(image.config, DOCUMENT_BYTES_MAX),
      manifestDigest: undefined,
      names: image.repoTags,
      layers: image.layers.map((name) => ({ digest: undefined, open: () => source.open(name) })),
    });
  }
  return candidates;
}

async function findInIndex(
  source: BlobSource,
  descriptors: readonly Descriptor[],
  inherited: readonly string[],
  depth: number,
): Promise<readonly Candidate[]> {
  if (depth > INDEX_DEPTH_MAX) throw new Error('The indexes are nested too deeply');
  const found: Candidate[] = [];
  for (const descriptor of descriptors.filter(isOurPlatform)) {
    // Archives may leave out the platforms that they do not carry.
    if (!source.has(blobName(descriptor.digest))) continue;
    const names = [...inherited, ...namesOf(descriptor)];
    const document = parseDocument(await readBlob(source, descriptor));
    if (document.kind === 'index') {
      found.push(...(await findInIndex(source, document.manifests, names, depth + 1)));
      continue;
    }
    const config = await readBlob(source, document.config);
    if (!isOurConfig(config)) continue;
    const layers = document.layers.map(({ digest }) => ({
      digest,
      open: () => source.open(blobName(digest)),
    }));
    found.push({ config, manifestDigest: descriptor.digest, names, layers });
  }
  return found;
}

async function loadImage(
  store: ImageStore,
  candidate: Candidate,
  { name, signal }: LoadOptions,
): Promise<LoadedImage> {
  const { config, diffIds, os, architecture: arch } = parseConfig(candidate.config);
  if (os !== '' && os !== 'linux') throw new Error(`The image is for ${os}/${arch}, not for Linux`);
  if (arch !== '' && arch !== architecture()) throw new Error(`The image is for linux/${arch}`);
  if (diffIds.length !== candidate.layers.length) {
    throw new Error(
      `The image has ${candidate.layers.length} layers and declares ${diffIds.length}`,
    );
  }
  const given = candidate.names.length === 0 && name !== undefined ? [name] : candidate.names;
  const names = given.map(normalName);
  const chainIds: string[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const chainId = chainIdOf(chainIds.at(-1), diffId);
    const layer = candidate.layers[index];
    if (layer === undefined) throw new Error('A layer is missing');
    await unpackLayer(
      store,
      chainId,
      lowersOf(store.folder, chainIds),
      { ...layer, diffId },
      signal,
    );
    chainIds.push(chainId);
  }
  const bytes = chainIds.map((id) =>
    Number(readFileSync(path.join(store.layerFolder(id), 'bytes'), 'utf8')),
  );
  const record: ImageRecord = {
    id: digestOf(candidate.config),
    config,
    size: bytes.reduce((sum, size) => sum + size, candidate.config.length),
    repoDigests: repoDigests(names, candidate.manifestDigest),
    rootfs: { kind: 'layers', chainIds },
  };
  store.add(record, names);
  if (!chainIds.every((id) => existsSync(store.layerFolder(id)))) {
    throw new Error('The image was removed by somebody else while it was being loaded');
  }
  return { id: record.id, names };
}

async function readBlob(source: BlobSource, descriptor: Descriptor): Promise<Buffer> {
  const bytes = await source.read(blobName(descriptor.digest), DOCUMENT_BYTES_MAX);
  if (digestOf(bytes) === descriptor.digest) return bytes;
  throw new Error(`The blob ${descriptor.digest} has the digest ${digestOf(bytes)}`);
}

/** The names an index gives an image: a full one, or one that is more than a tag. */
function namesOf({ annotations }: Descriptor): readonly string[] {
  const full = annotations[FULL_NAME];
  if (typeof full === 'string') return [full];
  const name = annotations[REF_NAME];
  if (typeof name !== 'string' || parseReference(name).kind !== 'name') return [];
  return /[/:]/.test(name) || !/^(?:latest|v?[0-9][A-Za-z0-9._-]*)$/.test(name) ? [name] : [];
}

function normalName(name: string): string {
  const parsed = parseReference(name);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  if (parsed.kind === 'id') throw new Error(`"${name}" is an id, not a name`);
  const reference = formatReference({ ...parsed.name, digest: undefined });
  if (!reference.startsWith('docker.io/skiff/')) return reference;
  throw new Error(`"${name}": names below docker.io/skiff/ are built in`);
}

function repoDigests(names: readonly string[], digest: string | undefined): readonly string[] {
  if (digest === undefined) return [];
  return [...new Set(names.map((name) => `${name.slice(0, name.lastIndexOf(':'))}@${digest}`))];
}

/** Descriptors without a platform are looked into; attestations have the platform "unknown". */
function isOurPlatform({ platform }: Descriptor): boolean {
  if (platform === undefined) return true;
  return platform.os === 'linux' && platform.architecture === architecture();
}

function isOurConfig(bytes: Buffer): boolean {
  const { os, architecture: arch } = parseConfig(bytes);
  return (os === '' || os === 'linux') && (arch === '' || arch === architecture());
}

function architecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
