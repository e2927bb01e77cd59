/** The option string of an overlay mount. Pure. */

import type { OverlayRootfs } from './spec.ts';

/** mount(2) takes one page of options, its end included. */
const OPTION_BYTES_MAX = 4095;

export interface OverlayOptions {
  /** The working directory in which the options hold. */
  readonly folder: string;
  readonly options: string;
}

/**
 * Paths are made relative to the folder that all lower layers share, so that many layers fit into the
 * one page; throws when even that is too long.
 */
export function overlayOptions(rootfs: OverlayRootfs): OverlayOptions {
  const folder = sharedFolder(rootfs.lower);
  const lower = rootfs.lower.map((layer) => escapeLayer(relativeTo(folder, layer)));
  const options = [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${escapeOption(rootfs.upper)}`,
    `workdir=${escapeOption(rootfs.work)}`,
  ].join(',');
  if (Buffer.byteLength(options) > OPTION_BYTES_MAX) {
    throw new Error(`The ${rootfs.lower.length} layers of the root do not fit into one mount`);
  }
  return { folder, options };
}

function sharedFolder(paths: readonly string[]): string {
  const [first = '/', ...others] = paths;
  let folder = first;
  while (!others.concat(first).every((path) => path.startsWith(withSlash(folder)))) {
    folder = folder.slice(0, folder.lastIndexOf('/')) || '/';
    if (folder === '/') break;
  }
  return folder;
}

function relativeTo(folder: string, path: string): string {
  return folder === '/' ? path : path.slice(withSlash(folder).length);
}

function withSlash(folder: string): string {
  return folder.endsWith('/') ? folder : `${folder}/`;
}

function escapeOption(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
}

function escapeLayer(path: string): string {
  return escapeOption(path).replaceAll(':', '\\:');
}
