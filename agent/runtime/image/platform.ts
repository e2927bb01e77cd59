/** Which of the images of an index is for this machine. Pure. */

import type { Descriptor } from './manifest.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Variants every machine of the architecture runs, the best first; empty: none is named. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  amd64: ['', 'v1'],
  arm64: ['v8', '', 'v8.0'],
};

/** In the words of images: `amd64`, `arm64`. */
export function machineArchitecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

/** Descriptors without a platform are looked into; attestations have the platform "unknown". */
export function isOurPlatform({ platform }: Descriptor): boolean {
  if (platform === undefined) return true;
  return platform.os === 'linux' && platform.architecture === machineArchitecture();
}

/** Whether an image's configuration is for this machine; one that says nothing is taken to be. */
export function isOurConfig(config: {
  readonly os: string;
  readonly architecture: string;
}): boolean {
  const { os, architecture } = config;
  const isOurs = architecture === '' || architecture === machineArchitecture();
  return (os === '' || os === 'linux') && isOurs;
}

/** The one to run; undefined when none is for this machine. */
export function choosePlatform(manifests: readonly Descriptor[]): Descriptor | undefined {
  const ranked = manifests
    .filter(isOurPlatform)
    .map((descriptor) => ({ descriptor, rank: rankOf(descriptor) }))
    .filter(({ rank }) => rank >= 0);
  return ranked.toSorted((a, b) => a.rank - b.rank)[0]?.descriptor;
}

/** Lower is better, below 0 does not run here. What names no platform comes last. */
function rankOf({ platform }: Descriptor): number {
  const variants = VARIANTS[machineArchitecture()] ?? [''];
  return platform === undefined ? variants.length : variants.indexOf(platform.variant);
}
