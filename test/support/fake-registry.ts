/**
 * A registry on loopback that does as a test says: holds blobs and manifests, asks for a token, answers
 * redirects, lies about digests, cuts connections. What it was asked is kept.
 */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { compress, digest, type ImageInput } from './archives.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly ns: string | null;
}

/** What a hook does instead of the registry; `false`: nothing, go on. */
export type Hook = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export class FakeRegistry {
  readonly asked: Asked[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  hook: Hook = () => false;
  readonly #server: http.Server;
  readonly #scheme: 'http' | 'https';

  /** With a certificate it speaks HTTPS. */
  constructor(tls?: { readonly key: Buffer; readonly cert: Buffer }) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? http.createServer(serve) : https.createServer(tls, serve);
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.#scheme}://${this.host}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Puts an image at `REPOSITORY:TAG`; returns the digest of its manifest. */
  push(repository: string, tag: string, input: Omit<ImageInput, 'names'>): string {
    const manifest = this.makeManifest(input);
    return this.putManifest(repository, [tag], manifest, OCI_MANIFEST);
  }

  makeManifest({ layers, config, compression = 'gzip' }: Omit<ImageInput, 'names'>): object {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const rootfs = { type: 'layers', diff_ids: layers.map(digest) };
    const document = { architecture, os: 'linux', config: config ?? {}, rootfs };
    return {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: this.putBlob(Buffer.from(JSON.stringify(document)), OCI_CONFIG),
      layers: layers.map((layer) => this.putBlob(compress(layer, compression), OCI_LAYER)),
    };
  }

  putManifest(repository: string, tags: readonly string[], value: object, mediaType: string) {
    const bytes = Buffer.from(JSON.stringify(value));
    const name = digest(bytes);
    for (const reference of [name, ...tags]) {
      this.manifests.set(`${repository}/manifests/${reference}`, { bytes, mediaType });
    }
    return name;
  }

  putBlob(bytes: Buffer, mediaType: string) {
    this.blobs.set(digest(bytes), bytes);
    return { mediaType, digest: digest(bytes), size: bytes.length };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.asked.push({
      method: request.method ?? '',
      path: url.pathname,
      authorization: request.headers.authorization,
      range: request.headers.range,
      ns: url.searchParams.get('ns'),
    });
    if (await this.hook(request, response)) return;
    const manifest = this.manifests.get(url.pathname.replace(/^\/v2\//, ''));
    if (manifest !== undefined) {
      response.setHeader('content-type', manifest.mediaType);
      response.setHeader('docker-content-digest', digest(manifest.bytes));
      response.end(manifest.bytes);
      return;
    }
    const blob = this.blobs.get(url.pathname.split('/blobs/')[1] ?? '');
    if (blob === undefined) {
      response.statusCode = 404;
      response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'unknown' }] }));
      return;
    }
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${start}-${blob.length - 1}/${blob.length}`);
    }
    response.setHeader('content-length', blob.length - start);
    response.end(blob.subarray(start));
  }
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/**
 * Ends the connection of each blob after a random number of its bytes. The numbers follow from the seed.
 * Returns how often it did so.
 */
export function cuttingHook(registry: FakeRegistry, seed: string, times: number) {
  let cuts = 0;
  const hook: Hook = (request, response) => {
    const path = request.url ?? '';
    const blob = registry.blobs.get(path.split('/blobs/')[1] ?? '');
    if (blob === undefined || cuts >= times) return false;
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const bytes = createHash('sha256').update(`${seed} ${cuts}`).digest();
    const length = bytes.readUInt32LE(0) % (blob.length - start + 1);
    cuts += 1;
    response.statusCode = start > 0 ? 206 : 200;
    if (start > 0)
      response.setHeader('content-range', `bytes ${start}-${blob.length - 1}/${blob.length}`);
    response.setHeader('content-length', blob.length - start);
    response.write(blob.subarray(start, start + length), () => response.destroy());
    return true;
  };
  return { hook, cuts: () => cuts };
}

/** Bytes that do not compress. */
export function noise(length: number): Buffer {
  return randomBytes(length);
}
