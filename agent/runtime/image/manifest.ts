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
  readonly platform: Platform | undefined;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v8`; empty: none is named. */
  readonly variant: string;
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

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
/** Of an uncompressed layer; `+gzip` or `+zstd` follows. */
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const MANIFEST_TYPES = [OCI_MANIFEST, 'application/vnd.docker.distribution.manifest.v2+json'];
const CONFIG_TYPES = [
  '',
  OCI_CONFIG,
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
];

/** Of the documents that are understood: what a registry is asked for. */
export const DOCUMENT_TYPES: readonly string[] = [...MANIFEST_TYPES, ...INDEX_TYPES];

/**
 * An index or a manifest. One that could be read as both is refused, and one that is not of the media
 * type which it, or whoever handed it over, declares (CVE-2021-41190). `declared` may be empty or of no
 * meaning here, as `text/plain` is.
 */
export function parseDocument(bytes: Buffer, declared = ''): Document {
  const document = fieldsOf(parseJson(bytes, 'document'), 'document');
  const own = stringOf(document.mediaType);
  refuseSchema1(declared, own, document.schemaVersion);
  const isIndex = document.manifests !== undefined;
  if (isIndex && (document.config !== undefined || document.layers !== undefined)) {
    throw new Error('The document is both an index and a manifest');
  }
  for (const type of [declared, own].filter((name) => DOCUMENT_TYPES.includes(name))) {
    if (INDEX_TYPES.includes(type) !== isIndex || (own !== '' && own !== type)) {
      throw new Error(`The document is not what it is declared to be: "${type}"`);
    }
  }
  if (isIndex) {
    return {
      kind: 'index',
      manifests: listOf(document.manifests, 'manifests').map(parseDescriptor),
    };
  }
  const layers = listOf(document.layers, 'layers').map(parseDescriptor);
  checkLayerCount(layers.length);
  const config = parseDescriptor(document.config);
  if (!CONFIG_TYPES.includes(config.mediaType)) {
    throw new Error(`The artifact is not an image: its configuration is "${config.mediaType}"`);
  }
  return { kind: 'manifest', config, layers };
}

function refuseSchema1(declared: string, own: string, version: unknown): void {
  const type = [declared, own].find((name) => /docker\.distribution\.manifest\.v1\+/.test(name));
  if (type === undefined && version !== 1) return;
  throw new Error(
    `The image has a manifest of schema 1 ("${type ?? 'schemaVersion 1'}"), which is not supported: ` +
      'push it again with a client of today',
  );
}

export function parseConfig(bytes: Buffer): ParsedConfig {
  const document = fieldsOf(parseJson(bytes, 'image configuration'), 'image configuration');
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
  return listOf(parseJson(bytes, 'manifest.json'), 'manifest.json').map((item) => {
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
      variant: stringOf(platform.variant),
    },
  };
}

function checkLayerCount(count: number): void {
  if (count > LAYERS_MAX) throw new Error(`An image may have at most ${LAYERS_MAX} layers`);
}

function parseJson(bytes: Buffer, what: string): unknown {
  if (bytes.length > DOCUMENT_BYTES_MAX) {
    throw new Error(
      `The ${what} has ${bytes.length} bytes; at most ${DOCUMENT_BYTES_MAX} are read`,
    );
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Error(`The ${what} is not JSON`, { cause: error });
  }
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
