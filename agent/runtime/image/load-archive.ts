/**
 * Loads images from archives into the store: OCI layouts (a folder, or a tar of one) and what
 * `docker save` writes. The lab calls this for `skiff image load`; no runtime needs to be told.
 */

import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, rmSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { assembleImage, normalName } from './assemble-image.ts';
import { BlobSource } from './blob-source.ts';
import { type BlobDescriptor, digestOf } from './blob-store.ts';
import { compressionOf } from './decompress.ts';
import type { ImageStore } from './image-store.ts';
import {
  type Descriptor,
  DOCUMENT_BYTES_MAX,
  type DockerImage,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  parseConfig,
  parseDockerManifest,
  parseDocument,
} from './manifest.ts';
import { isOurConfig, isOurPlatform, machineArchitecture } from './platform.ts';
import { parseReference } from './reference.ts';

/** An index in an index in an index: more is not an image. */
const INDEX_DEPTH_MAX = 3;
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
export function loadArchive(
  store: ImageStore,
  archive: Readable,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  return store.hold(options.signal, async () => {
    const folder = store.makeTemporaryFolder();
    try {
      const source = await BlobSource.ofArchive(archive, folder, options.signal);
      return await loadFrom(store, source, options);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** The same from a folder in OCI layout. */
export function loadLayout(
  store: ImageStore,
  folder: string,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  return store.hold(options.signal, () => loadFrom(store, BlobSource.ofFolder(folder), options));
}

async function loadFrom(
  store: ImageStore,
  source: BlobSource,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const candidates = await findImages(source);
  if (candidates.length === 0) {
    throw new Error(`The archive has no image for linux/${machineArchitecture()}`);
  }
  const loaded: LoadedImage[] = [];
  for (const candidate of candidates)
    loaded.push(await loadImage(store, source, candidate, options));
  return loaded;
}

interface Candidate {
  readonly manifest: Buffer;
  readonly config: Buffer;
  /** Whether the manifest came with the archive: only then others know it by its digest. */
  readonly isManifestGiven: boolean;
  readonly names: readonly string[];
  /** For each layer, in the order of the configuration: what it is, and under which name. */
  readonly layers: readonly { readonly blob: BlobDescriptor; readonly name: string }[];
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
  for (const image of images) candidates.push(await describeDockerImage(source, image));
  return candidates;
}

/** Gives the image the manifest that its archive has not. */
async function describeDockerImage(source: BlobSource, image: DockerImage): Promise<Candidate> {
  const config = await source.read(image.config, DOCUMENT_BYTES_MAX);
  const layers = [];
  for (const name of image.layers) {
    const file = source.file(name);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    const blob = { digest: `sha256:${hash.digest('hex')}`, size: statSync(file).size };
    layers.push({ blob, name, mediaType: layerType(file) });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: layers.map(({ blob, mediaType }) => ({ mediaType, ...blob })),
  };
  return {
    manifest: Buffer.from(JSON.stringify(manifest)),
    config,
    isManifestGiven: false,
    names: image.repoTags,
    layers,
  };
}

function layerType(file: string): string {
  const head = Buffer.alloc(4);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head);
  } finally {
    closeSync(fd);
  }
  const compression = compressionOf(head);
  return compression === 'none' ? OCI_LAYER : `${OCI_LAYER}+${compression}`;
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
    const manifest = await readBlob(source, descriptor);
    const document = parseDocument(manifest, descriptor.mediaType);
    if (document.kind === 'index') {
      found.push(...(await findInIndex(source, document.manifests, names, depth + 1)));
      continue;
    }
    const config = await readBlob(source, document.config);
    if (!isOurConfig(parseConfig(config))) continue;
    const layers = document.layers.map(({ digest, size }) => ({
      blob: { digest, size },
      name: blobName(digest),
    }));
    found.push({ manifest, config, isManifestGiven: true, names, layers });
  }
  return found;
}

async function loadImage(
  store: ImageStore,
  source: BlobSource,
  candidate: Candidate,
  { name, signal }: LoadOptions,
): Promise<LoadedImage> {
  const given = candidate.names.length === 0 && name !== undefined ? [name] : candidate.names;
  const names = given.map(normalName);
  const record = await assembleImage(
    store,
    {
      ...candidate,
      layers: candidate.layers.map(({ blob }) => blob.digest),
      names,
      repoDigests: candidate.isManifestGiven ? repoDigests(names, candidate.manifest) : [],
      layerReady: async (index) => {
        const layer = candidate.layers[index];
        if (layer !== undefined) await takeLayer(store, source, layer, signal);
      },
    },
    signal,
  );
  return { id: record.id, names };
}

async function takeLayer(
  store: ImageStore,
  source: BlobSource,
  { blob, name }: Candidate['layers'][number],
  signal: AbortSignal,
): Promise<void> {
  if (store.blobs.has(blob.digest)) return;
  if (source.isOwn) await store.blobs.adopt(blob, source.file(name), signal);
  else {
    const fetch = async (start: number) => ({ start, body: source.open(name, start) });
    await store.blobs.take(blob, fetch, { signal });
  }
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

function repoDigests(names: readonly string[], manifest: Buffer): readonly string[] {
  const digest = digestOf(manifest);
  return [...new Set(names.map((name) => `${name.slice(0, name.lastIndexOf(':'))}@${digest}`))];
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
