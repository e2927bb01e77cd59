/** Makes image archives for tests: what `docker save` writes, of busybox and a few files. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runTool } from '../../lab/run-tool.ts';

export interface ArchiveImage {
  /** `example.com/box:1` */
  readonly name: string;
  /** The config of the image, as `{ Cmd: ['sh'] }`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** More files of the root, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Users that can be asked for by name, and something to hide. */
export const BOX_FILES = {
  'etc/passwd': 'root:x:0:0::/:/bin/sh\nsomeone:x:1500:1500::/:/bin/sh\n',
  'etc/group': 'root:x:0:\nsomeone:x:1500:\n',
  'etc/secret': 'secret',
  'tmp/.keep': '',
};

/** Writes `archive.tar` into the (empty) folder and returns its path. */
export function makeDockerArchive(folder: string, image: ArchiveImage): string {
  const root = path.join(folder, 'root');
  mkdirSync(path.join(root, 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', path.join(root, 'bin', 'busybox'));
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets.filter((name) => name !== 'busybox')) {
    symlinkSync('busybox', path.join(root, 'bin', applet));
  }
  for (const [file, text] of Object.entries(image.files ?? {})) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  runTool('tar', ['-C', root, '-cf', path.join(folder, 'layer.tar'), '.']);
  const layer = createHash('sha256')
    .update(readFileSync(path.join(folder, 'layer.tar')))
    .digest('hex');
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  });
  const id = createHash('sha256').update(config).digest('hex');
  writeFileSync(path.join(folder, `${id}.json`), config);
  const manifest = [{ Config: `${id}.json`, RepoTags: [image.name], Layers: ['layer.tar'] }];
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = path.join(folder, 'archive.tar');
  runTool('tar', ['-C', folder, '-cf', archive, 'manifest.json', `${id}.json`, 'layer.tar']);
  return archive;
}
