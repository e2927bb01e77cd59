/**
 * `skiff image load|save|pull|ls|rm`: the images of a lab. All nodes of a lab share one store, so an
 * image that is loaded or pulled is on every node.
 */

import { createReadStream, createWriteStream, existsSync, rmSync, statSync } from 'node:fs';
import { ImagePuller } from '../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../agent/runtime/image/image-store.ts';
import { loadArchive, loadLayout } from '../../agent/runtime/image/load-archive.ts';
import { formatReference, parseReference } from '../../agent/runtime/image/reference.ts';
import type { Credentials } from '../../agent/runtime/image/registry/credentials.ts';
import { readRegistryConfig } from '../../agent/runtime/image/registry/read-config.ts';
import {
  type RegistryConfig,
  withPlainHttp,
} from '../../agent/runtime/image/registry/registry-config.ts';
import { type ArchiveForm, saveArchive } from '../../agent/runtime/image/save-archive.ts';
import { systemClock } from '../../base/clock.ts';
import { alignColumns } from '../../cli/printers/table.ts';
import { imageDirOf, type LabSpec, registryConfigFile } from '../cluster/lab-spec.ts';
import type { PullDisplay } from './pull-display.ts';
import { UsageError } from './usage-error.ts';

/** Loads an archive (`-`: from standard input) or a folder in OCI layout; prints the names. */
export async function loadImage(
  spec: LabSpec,
  source: string,
  options: { readonly name?: string; readonly signal: AbortSignal },
  write: (text: string) => void,
): Promise<void> {
  const store = openStore(spec);
  if (source !== '-' && !existsSync(source)) {
    throw new UsageError(`the file "${source}" does not exist`);
  }
  const isFolder = source !== '-' && statSync(source).isDirectory();
  const loaded = isFolder
    ? await loadLayout(store, source, options)
    : await loadArchive(store, source === '-' ? process.stdin : createReadStream(source), options);
  for (const { id, names } of loaded) write(`Loaded ${names.join(', ') || id}\n`);
}

export function listImages(spec: LabSpec, write: (text: string) => void): void {
  const rows = openStore(spec)
    .list()
    .flatMap(({ id, repoTags, size }) =>
      (repoTags.length === 0 ? ['<none>:<none>'] : repoTags).map((name) => {
        const colon = name.lastIndexOf(':');
        const shortId = id.replace(/^sha256:/, '').slice(0, 13);
        return [name.slice(0, colon), name.slice(colon + 1), shortId, sizeText(size)];
      }),
    );
  for (const line of alignColumns([['IMAGE', 'TAG', 'IMAGE ID', 'SIZE'], ...rows]))
    write(`${line}\n`);
}

/** Containers that run keep their files; an image that is not there is said to be. */
export function removeImage(spec: LabSpec, name: string, write: (text: string) => void): void {
  const store = openStore(spec);
  const image = store.find(name);
  if (image === undefined)
    throw new UsageError(`there is no image "${name}" in lab "${spec.name}"`);
  if (image.rootfs.kind === 'host')
    throw new UsageError(`"${name}" is built in and can't be removed`);
  store.remove(name);
  write(`Removed ${image.repoTags.join(', ') || image.id}\n`);
}

export interface PullFlags {
  readonly credentials: Credentials;
  readonly isPlainHttp: boolean;
  readonly signal: AbortSignal;
}

/** From where the command runs, which may reach registries that the nodes do not. */
export async function pullToLab(
  spec: LabSpec,
  reference: string,
  { credentials, isPlainHttp, signal }: PullFlags,
  display: PullDisplay,
): Promise<void> {
  const parsed = parseReference(reference);
  if (parsed.kind !== 'name') {
    throw new UsageError(parsed.kind === 'id' ? 'an id names no registry' : parsed.message);
  }
  const config = (): RegistryConfig => {
    const file = readRegistryConfig(registryConfigFile(spec));
    return isPlainHttp ? withPlainHttp(file, parsed.name.domain) : file;
  };
  const puller = new ImagePuller({ store: openStore(spec), clock: systemClock, config });
  try {
    const { name } = parsed;
    const onProgress = display.update.bind(display);
    const image = await puller.pull({ name, credentials, signal, onProgress });
    display.end(`Pulled ${formatReference(name)} (${image.id}, ${sizeText(image.size)} unpacked)`);
  } catch (error) {
    display.end('');
    throw new Error(`could not pull "${reference}"`, { cause: error });
  }
}

/** To a file, or to standard output (`-`). A file that could not be written whole is removed. */
export async function saveImages(
  spec: LabSpec,
  names: readonly string[],
  options: { readonly form: ArchiveForm; readonly to: string; readonly signal: AbortSignal },
): Promise<void> {
  const store = openStore(spec);
  const images = names.map((name) => {
    const image = store.find(name);
    if (image !== undefined) return image;
    throw new UsageError(`there is no image "${name}" in lab "${spec.name}"`);
  });
  const { form, to, signal } = options;
  if (to === '-') {
    await saveArchive(store, images, { form, to: process.stdout, signal });
    return;
  }
  try {
    const file = createWriteStream(to, { mode: 0o644 });
    await saveArchive(store, images, { form, to: file, signal });
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  }
}

function openStore(spec: LabSpec): ImageStore {
  return new ImageStore(imageDirOf(spec), 'lab', systemClock);
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)}GB`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)}kB` : `${(bytes / 1e6).toFixed(1)}MB`;
}
