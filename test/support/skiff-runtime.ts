/** Our runtime with the same image of busybox that containerd gets. */

import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { ImageStore } from '../../agent/runtime/image/image-store.ts';
import { loadArchive } from '../../agent/runtime/image/load-archive.ts';
import { systemClock } from '../../base/clock.ts';
import { CriPods } from './cri-pods.ts';
import { BOX_FILES, makeDockerArchive } from './image-archive.ts';
import { RuntimeNode } from './runtime-node.ts';

export const IMAGE = 'localhost/box:1';

export interface SkiffTarget {
  readonly node: RuntimeNode;
  readonly client: RuntimeNode['client'];
  readonly pods: CriPods;
}

export async function startSkiff(): Promise<SkiffTarget> {
  const node = new RuntimeNode();
  const folder = path.join(node.folder, 'archive');
  mkdirSync(folder);
  const archive = makeDockerArchive(folder, {
    name: IMAGE,
    config: { Cmd: ['/bin/sh'] },
    files: BOX_FILES,
  });
  const store = new ImageStore(node.imageDir, 'bench', systemClock);
  const signal = AbortSignal.timeout(60_000);
  await loadArchive(store, createReadStream(archive), { signal });
  rmSync(folder, { recursive: true });
  await node.start();
  const { client, logDir } = node;
  return { node, client, pods: new CriPods({ client, image: IMAGE, logDir }) };
}
