/** Image archives made in memory, well-formed or hostile, for tests of the image store. */

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

export interface Member extends Partial<Header> {
  readonly name: string;
  readonly content?: string | Buffer;
}

export async function tar(members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of members) {
    if (header.type === undefined || header.type === 'file') archive.entry(header, content);
    else archive.entry(header);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export type Compression = 'none' | 'gzip' | 'zstd';

export interface ImageInput {
  readonly layers: readonly Buffer[];
  readonly names: readonly string[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly compression?: Compression;
}

/** What `skopeo copy … oci-archive:` writes. */
export async function ociArchive(input: ImageInput): Promise<Buffer> {
  return tar(ociMembers(input));
}

export function ociMembers({ layers, names, config, compression }: ImageInput): readonly Member[] {
  const blobs = layers.map((layer) => compress(layer, compression ?? 'gzip'));
  const configBytes = configOf(layers, config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', configBytes),
    layers: blobs.map((blob) => descriptor('application/vnd.oci.image.layer.v1.tar+gzip', blob)),
  });
  const manifestDescriptor = descriptor('application/vnd.oci.image.manifest.v1+json', manifest);
  const manifests = (names.length === 0 ? [undefined] : names).map((name) => ({
    ...manifestDescriptor,
    ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }));
  return [
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', content: json({ schemaVersion: 2, manifests }) },
    ...[manifest, configBytes, ...blobs].map((content) => ({
      name: `blobs/sha256/${digest(content).slice('sha256:'.length)}`,
      content,
    })),
  ];
}

/** What `docker save` wrote before it also wrote an index. */
export async function dockerArchive({ layers, names, config }: ImageInput): Promise<Buffer> {
  const configBytes = configOf(layers, config);
  const members: Member[] = layers.map((content, index) => ({
    name: `${index}/layer.tar`,
    content,
  }));
  const name = `${digest(configBytes).slice('sha256:'.length)}.json`;
  members.push({ name, content: configBytes });
  const manifest = [
    { Config: name, RepoTags: names, Layers: members.slice(0, -1).map((m) => m.name) },
  ];
  return tar([...members, { name: 'manifest.json', content: json(manifest) }]);
}

export function stream(bytes: Buffer): Readable {
  return Readable.from([bytes]);
}

export function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function compress(bytes: Buffer, compression: Compression): Buffer {
  if (compression === 'gzip') return gzipSync(bytes);
  return compression === 'zstd' ? zstdCompressSync(bytes) : bytes;
}

function configOf(layers: readonly Buffer[], config: ImageInput['config']): Buffer {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: layers.map(digest) };
  return json({ architecture, os: 'linux', config: config ?? {}, rootfs });
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: digest(bytes), size: bytes.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
