/**
 * `skiff image load|ls|rm`: the images of a lab. All nodes of a lab share one store, so an image that
 * is loaded is on every node.
 */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { ImageStore } from '../../agent/runtime/image/image-store.ts';
import { loadArchive, loadLayout } from '../../agent/runtime/image/load-archive.ts';
import { makeDevice } from '../../agent/runtime/image/whiteout.ts';
import { alignColumns } from '../../cli/printers/table.ts';
import { imageDirOf, type LabSpec } from '../cluster/lab-spec.ts';
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

function openStore(spec: LabSpec): ImageStore {
  return new ImageStore(imageDirOf(spec), 'lab', makeDevice);
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)}kB` : `${(bytes / 1e6).toFixed(1)}MB`;
}
