/** What the runtime knows of an image, and how that is read back from disk. */

/** The part of an OCI image configuration that starting a container needs. */
export interface ImageConfig {
  /** `uid`, `uid:gid`, `name` or `name:group`; empty: root. */
  readonly user: string;
  /** `KEY=value` */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  /** `SIGTERM`, or a number; empty: the runtime's default. */
  readonly stopSignal: string;
}

export interface ImageRecord {
  /** `sha256:…` of the configuration's bytes. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Bytes of its layers, unpacked. More than zero. */
  readonly size: number;
  /** `name@sha256:…` of the manifests it came by. */
  readonly repoDigests: readonly string[];
  /** `sha256:…` of what it was made from: the manifest, the configuration, the layers bottom first. */
  readonly blobs: readonly string[];
  readonly rootfs: Rootfs;
}

export type Rootfs =
  /** Chain ids as hex, the bottom layer first. */
  | { readonly kind: 'layers'; readonly chainIds: readonly string[] }
  /** The host's own root, masked: host-image.ts. */
  | { readonly kind: 'host' };

/** Checks a record that was read from disk; undefined when it is none. */
export function parseImageRecord(value: unknown): ImageRecord | undefined {
  const record = value as Partial<ImageRecord> | null;
  const isRecord =
    typeof record?.id === 'string' &&
    typeof record.size === 'number' &&
    typeof record.config?.user === 'string' &&
    Array.isArray(record.repoDigests) &&
    Array.isArray(record.blobs) &&
    record.rootfs?.kind === 'layers' &&
    Array.isArray(record.rootfs.chainIds);
  // Written by this program only; the check is for torn or foreign files.
  return isRecord ? (record as ImageRecord) : undefined;
}
