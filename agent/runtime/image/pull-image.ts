/**
 * Pulls one image from its registry into the store. Whatever cuts it off, the store works, and the next
 * pull goes on with what is here. Blobs come in parallel; layers are unpacked, bottom first, meanwhile.
 */

import { assembleImage, checkedConfig } from './assemble-image.ts';
import { digestOf } from './blob-store.ts';
import type { ImageRecord } from './image.ts';
import type { ImageStore } from './image-store.ts';
import { type Descriptor, DOCUMENT_BYTES_MAX, type Document, parseDocument } from './manifest.ts';
import { choosePlatform, machineArchitecture } from './platform.ts';
import { PullError } from './pull-error.ts';
import type { ImageName } from './reference.ts';
import { formatReference } from './reference.ts';
import type { FetchedManifest, RegistryClient } from './registry/registry-client.ts';

/** Layers of one image that come at the same time. */
const PARALLEL_MAX = 3;
/** An index in an index in an index: more is not an image. */
const INDEX_DEPTH_MAX = 3;

export interface PullProgress {
  readonly digest: string;
  readonly state: 'waiting' | 'downloading' | 'downloaded' | 'unpacked';
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface PullOptions {
  readonly store: ImageStore;
  readonly client: RegistryClient;
  readonly name: ImageName;
  readonly onProgress: (layer: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Throws a PullError that says what is wrong, or the signal's reason. */
export async function pullImage(options: PullOptions): Promise<ImageRecord> {
  const { store, signal } = options;
  return await store.hold(signal, async () => {
    const { root, manifest } = await resolve(options);
    return await pullManifest(options, root, manifest);
  });
}

interface FoundManifest {
  readonly bytes: Buffer;
  readonly document: Document & { readonly kind: 'manifest' };
}

/** From the reference, through indexes, to the manifest for this machine. */
async function resolve({ client, name }: PullOptions): Promise<{
  readonly root: string;
  readonly manifest: FoundManifest;
}> {
  const first = await client.fetchManifest(name.digest ?? name.tag ?? 'latest');
  const root = digestOf(first.bytes);
  checkDigest(first, name.digest);
  let fetched = first;
  for (let depth = 0; depth <= INDEX_DEPTH_MAX; depth += 1) {
    const document = parsed(() => parseDocument(fetched.bytes, fetched.mediaType));
    if (document.kind === 'manifest') return { root, manifest: { bytes: fetched.bytes, document } };
    const chosen = choosePlatform(document.manifests);
    if (chosen === undefined) {
      const wanted = `linux/${machineArchitecture()}`;
      throw new PullError(`no match for platform in manifest: ${wanted}: not found`, {
        kind: 'not-found',
      });
    }
    fetched = await client.fetchManifest(chosen.digest);
    checkDigest(fetched, chosen.digest);
    checkMediaType(fetched, chosen);
  }
  throw new PullError('The indexes are nested too deeply', { kind: 'invalid' });
}

async function pullManifest(
  options: PullOptions,
  root: string,
  { bytes, document }: FoundManifest,
): Promise<ImageRecord> {
  const { store, client, name, onProgress, signal } = options;
  if (document.config.size > DOCUMENT_BYTES_MAX) {
    throw new PullError(`The configuration has ${document.config.size} bytes`, { kind: 'invalid' });
  }
  const take = (blob: Descriptor, onBytes?: (count: number) => void): Promise<void> => {
    const fetch = (offset: number) => client.fetchBlob(blob.digest, offset);
    return store.blobs.take(blob, fetch, { signal, ...(onBytes === undefined ? {} : { onBytes }) });
  };
  await take(document.config);
  const config = store.blobs.read(document.config.digest);
  parsed(() => checkedConfig(config, document.layers.length));
  const ended = new AbortController();
  const report = (index: number, state: PullProgress['state'], count: number): void => {
    const layer = document.layers[index];
    if (layer === undefined) return;
    onProgress({ digest: layer.digest, state, bytes: count, totalBytes: layer.size });
  };
  const ready = inParallel(document.layers, PARALLEL_MAX, ended.signal, async (layer, index) => {
    await take(layer, (count) => report(index, 'downloading', count));
    report(index, 'downloaded', layer.size);
  });
  document.layers.forEach((_, index) => {
    report(index, 'waiting', 0);
  });
  try {
    return await assembleImage(
      store,
      {
        manifest: bytes,
        config,
        layers: document.layers.map(({ digest }) => digest),
        names: name.digest === undefined ? [formatReference(name)] : [],
        repoDigests: [`${name.domain}/${name.path}@${root}`],
        layerReady: async (index) => await ready[index],
        onUnpacked: (index) => report(index, 'unpacked', document.layers[index]?.size ?? 0),
      },
      signal,
    );
  } catch (error) {
    ended.abort(error);
    throw error;
  } finally {
    // Nothing goes on in the store after the pull has ended.
    await Promise.allSettled(ready);
  }
}

/** A promise for each item; at most so many are worked on at once, in order. */
function inParallel<T>(
  items: readonly T[],
  limit: number,
  ended: AbortSignal,
  work: (item: T, index: number) => Promise<void>,
): readonly Promise<void>[] {
  const results = items.map(() => Promise.withResolvers<void>());
  // Whoever waits for an item gets its failure; the others are never looked at.
  for (const { promise } of results) promise.catch(() => undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const result = results[index];
      const item = items[index];
      if (result === undefined || item === undefined) return;
      try {
        ended.throwIfAborted();
        await work(item, index);
        result.resolve();
      } catch (error) {
        result.reject(error);
      }
    }
  };
  for (let count = 0; count < limit; count += 1) void worker();
  return results.map(({ promise }) => promise);
}

function checkDigest(fetched: FetchedManifest, wanted: string | undefined): void {
  const actual = digestOf(fetched.bytes);
  const declared = fetched.digest === '' ? actual : fetched.digest;
  // Registries may use other algorithms in the header; only ours can be compared.
  const isDeclared = !declared.startsWith('sha256:') || declared === actual;
  if ((wanted === undefined || wanted === actual) && isDeclared) return;
  throw new PullError(`The manifest has the digest ${actual}; ${wanted ?? declared} was declared`, {
    kind: 'invalid',
  });
}

/** What an index says of a manifest, and what the registry says of it, must be the same. */
function checkMediaType(fetched: FetchedManifest, descriptor: Descriptor): void {
  parsed(() => parseDocument(fetched.bytes, descriptor.mediaType));
  if (fetched.bytes.length === descriptor.size) return;
  throw new PullError(
    `The manifest has ${fetched.bytes.length} bytes; ${descriptor.size} were declared`,
    { kind: 'invalid' },
  );
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PullError(text, { kind: 'invalid', cause: error });
  }
}
