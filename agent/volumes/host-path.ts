/**
 * hostPath volumes: checks the type, and makes what `…OrCreate` asks for.
 *
 * Source: kubernetes pkg/volume/hostpath/host_path.go, v1.36.
 */

import type { Stats } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import type { HostPathVolumeSource } from '../../proto/api/gen/core-v1.ts';
import { VolumeError } from './projections.ts';

export async function setUpHostPath(source: HostPathVolumeSource): Promise<string> {
  const { path, type } = source;
  const found = await stat(path).catch(() => undefined);
  switch (type) {
    case undefined:
    case '':
      break;
    case 'DirectoryOrCreate':
      if (found === undefined) await mkdir(path, { recursive: true, mode: 0o755 });
      else check(path, found.isDirectory(), 'directory');
      break;
    case 'Directory':
      check(path, found?.isDirectory(), 'directory');
      break;
    case 'FileOrCreate':
      if (found === undefined) await (await open(path, 'a', 0o644)).close();
      else check(path, found.isFile(), 'file');
      break;
    case 'File':
      check(path, found?.isFile(), 'file');
      break;
    case 'Socket':
      check(path, found?.isSocket(), 'socket file');
      break;
    case 'CharDevice':
      check(path, isDevice(found, 'isCharacterDevice'), 'character device');
      break;
    case 'BlockDevice':
      check(path, isDevice(found, 'isBlockDevice'), 'block device');
      break;
  }
  return path;
}

function isDevice(found: Stats | undefined, kind: 'isCharacterDevice' | 'isBlockDevice'): boolean {
  return found?.[kind]() === true;
}

function check(path: string, holds: boolean | undefined, what: string): void {
  if (holds !== true) {
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${what}`);
  }
}
