/**
 * Writes images as one tar archive: an OCI layout, or what `docker load` reads. The blobs are those the
 * images came with, byte for byte, so that what is saved has the digests it had.
 *
 * Source: OCI image-spec image-layout.md; moby image/spec v1.2 (manifest.json).
 */

import { pipeline } from 'node:stream/promises';
import { digestOf, hexOf } from './blob-store.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import { OCI_MANIFEST, parseDocument } from './manifest.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-header.ts';

export type ArchiveForm = 'oci' | 'docker';

/** Throws when the image is the built-in one, or a blob of it is not here. */
export async function saveArchive(
  store: ImageStore,
  images: readonly StoredImage[],
  options: {
    readonly form: ArchiveForm;
    readonly to: NodeJS.WritableStream;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { form, to, signal } = options;
  await store.hold(signal, async () => {
    checkImages(store, images);
    await pipeline(membersOf(store, images, form), to, { signal });
  });
}

async function* membersOf(
  store: ImageStore,
  images: readonly StoredImage[],
  form: ArchiveForm,
): AsyncGenerator<Buffer> {
  if (form === 'oci') {
    yield member('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
    yield member('index.json', json(indexOf(store, images)));
  } else yield member('manifest.json', json(images.map(dockerEntry)));
  for (const digest of new Set(images.flatMap(({ blobs }) => blobs))) {
    const size = store.blobs.size(digest);
    yield tarHeader(fileOf(digest), size);
    yield* store.blobs.open(digest) as AsyncIterable<Buffer>;
    yield tarPadding(size);
  }
  yield tarEnd();
}

function member(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)]);
}

function checkImages(store: ImageStore, images: readonly StoredImage[]): void {
  for (const image of images) {
    const name = image.repoTags[0] ?? image.id;
    if (image.rootfs.kind === 'host') throw new Error(`"${name}" is built in and can't be saved`);
    const missing = image.blobs.find((digest) => !store.blobs.has(digest));
    if (missing !== undefined) throw new Error(`The blob ${missing} of "${name}" is not here`);
  }
}

function indexOf(store: ImageStore, images: readonly StoredImage[]): object {
  const manifests = images.flatMap(({ blobs: [digest = ''], repoTags }) => {
    const bytes = store.blobs.read(digest);
    const declared: { readonly mediaType?: unknown } = JSON.parse(bytes.toString('utf8'));
    const mediaType = typeof declared.mediaType === 'string' ? declared.mediaType : OCI_MANIFEST;
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    parseDocument(bytes, mediaType);
    if (repoTags.length === 0) return [descriptor];
    return repoTags.map((name) => ({
      ...descriptor,
      annotations: {
        'io.containerd.image.name': name,
        'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
      },
    }));
  });
  return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
}

function dockerEntry({ blobs: [, config = '', ...layers], repoTags }: StoredImage): object {
  const RepoTags = repoTags.map((name) => name.replace(/^docker\.io\/(?:library\/)?/, ''));
  return { Config: fileOf(config), RepoTags, Layers: layers.map(fileOf) };
}

function fileOf(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
