/**
 * Images as an attacker makes them: a busybox, and beside it whatever files, links and configuration the
 * attack needs.
 */

import { existsSync, readFileSync } from 'node:fs';
import { ImageStore } from '../../agent/runtime/image/image-store.ts';
import { loadArchive } from '../../agent/runtime/image/load-archive.ts';
import { systemClock } from '../../base/clock.ts';
import { dockerArchive, type Member, stream, tar } from './archives.ts';
import type { RuntimeNode } from './runtime-node.ts';
import { notHere } from './spawner-harness.ts';

const BUSYBOX = '/bin/busybox';
const PROGRAMS = [
  'sh',
  'cat',
  'echo',
  'id',
  'ls',
  'sleep',
  'stat',
  'test',
  'touch',
  'grep',
  'readlink',
];

/** Why such an image cannot be run here; false when it can. */
export const noImages =
  notHere || (existsSync(BUSYBOX) ? false : `${BUSYBOX} is not installed: images are made of it`);

export interface HostileImage {
  readonly members?: readonly Member[];
  /** As of the image's `config`: `User`, `WorkingDir`, … */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Puts it into the node's store; returns its name. */
export async function loadHostileImage(
  node: RuntimeNode,
  name: string,
  { members = [], config = {} }: HostileImage,
): Promise<string> {
  const base = await tar([
    { name: 'bin/busybox', content: readFileSync(BUSYBOX), mode: 0o755 },
    ...PROGRAMS.map((program) => ({
      name: `bin/${program}`,
      type: 'symlink' as const,
      linkname: 'busybox',
    })),
  ]);
  const layer = await tar(members.length === 0 ? [{ name: 'empty', content: '' }] : members);
  const reference = `test/${name}:1`;
  const archive = await dockerArchive({
    layers: [base, layer],
    names: [reference],
    config: { Env: ['PATH=/bin'], ...config },
  });
  const images = new ImageStore(node.imageDir, 'test', systemClock);
  await loadArchive(images, stream(archive), { signal: AbortSignal.timeout(30_000) });
  return reference;
}
