/**
 * OCI and Docker image documents, checked. They come from archives and registries and are hostile:
 * sizes are bounded by whoever reads the bytes, shapes here. Pure.
 *
 * Source: OCI image-spec v1.1 (index, manifest, config); moby image/spec v1.2 (manifest.json).
 */

import type { ImageConfig } from './image.ts';

/** Largest manifest, index or configuration, in bytes (CVE-2023-25153). */
export const DOCUMENT_BYTES_MAX = 4 * 2 ** 20;
/** Overlayfs takes 500 lower folders; each layer may need two. */
const LAYERS_MAX = 240;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
}

export type Document =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | {
      readonly kind: 'manifest';
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    };

export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly os: string;
  readonly architecture: string;
  /** `sha256:…` of the uncompressed layers, the bottom one first. */
  readonly diffIds: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An index or a manifest. One that could be read as both is refused (CVE-2021-41190). */
export function parseDocument(bytes: Buffer): Document {
  const document = fieldsOf(JSON.parse(bytes.toString('utf8')), 'document');
  const isIndex = document.manifests !== undefined;
  if (isIndex && (document.config !== undefined || document.layers !== undefined)) {
    throw new Error('The document is both an index and a manifest');
  }
  if (isIndex) {
    return {
      kind: 'index',
      manifests: listOf(document.manifests, 'manifests').map(parseDescriptor),
    };
  }
  const layers = listOf(document.layers, 'layers').map(parseDescriptor);
  checkLayerCount(layers.length);
  return { kind: 'manifest', config: parseDescriptor(document.config), layers };
}

export function parseConfig(bytes: Buffer): ParsedConfig {
  const document = fieldsOf(JSON.parse(bytes.toString('utf8')), 'image configuration');
  const rootfs = fieldsOf(document.rootfs, 'rootfs');
  const diffIds = listOf(rootfs.diff_ids, 'rootfs.diff_ids').map((id) => digestOf(id));
  checkLayerCount(diffIds.length);
  const config = document.config === undefined ? {} : fieldsOf(document.config ?? {}, 'config');
  return {
    diffIds,
    os: stringOf(document.os),
    architecture: stringOf(document.architecture),
    config: {
      user: stringOf(config.User),
      env: stringsOf(config.Env, 'Env'),
      entrypoint: stringsOf(config.Entrypoint, 'Entrypoint'),
      cmd: stringsOf(config.Cmd, 'Cmd'),
      workingDir: stringOf(config.WorkingDir),
      stopSignal: stringOf(config.StopSignal),
    },
  };
}

export interface DockerImage {
  /** Names of members of the archive. */
  readonly config: string;
  readonly layers: readonly string[];
  readonly repoTags: readonly string[];
}

/** The `manifest.json` of `docker save`. */
export function parseDockerManifest(bytes: Buffer): readonly DockerImage[] {
  return listOf(JSON.parse(bytes.toString('utf8')), 'manifest.json').map((item) => {
    const image = fieldsOf(item, 'manifest.json');
    const layers = stringsOf(image.Layers, 'Layers');
    checkLayerCount(layers.length);
    return {
      config: stringOf(image.Config),
      layers,
      repoTags: stringsOf(image.RepoTags, 'RepoTags'),
    };
  });
}

function parseDescriptor(value: unknown): Descriptor {
  const descriptor = fieldsOf(value, 'descriptor');
  const platform =
    descriptor.platform === undefined ? undefined : fieldsOf(descriptor.platform, 'platform');
  const size = descriptor.size;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new Error('A descriptor has no size');
  }
  return {
    mediaType: stringOf(descriptor.mediaType),
    digest: digestOf(descriptor.digest),
    size,
    annotations:
      descriptor.annotations === undefined ? {} : fieldsOf(descriptor.annotations, 'annotations'),
    platform: platform && {
      os: stringOf(platform.os),
      architecture: stringOf(platform.architecture),
    },
  };
}

function checkLayerCount(count: number): void {
  if (count > LAYERS_MAX) throw new Error(`An image may have at most ${LAYERS_MAX} layers`);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`The ${what} is not an object`);
  }
  return value as Fields;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

function stringsOf(value: unknown, what: string): readonly string[] {
  const list = listOf(value, what);
  if (!list.every((item) => typeof item === 'string'))
    throw new Error(`${what} is not a list of strings`);
  return list;
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function digestOf(value: unknown): string {
  if (typeof value === 'string' && DIGEST.test(value)) return value;
  throw new Error(`${JSON.stringify(value)} is not a sha256 digest`);
}
