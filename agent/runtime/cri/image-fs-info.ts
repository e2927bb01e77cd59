/** ImageFsInfo: where images and writable layers are, and what images take there. */

import { statfsSync } from 'node:fs';
import type { Rpc } from './rpc.ts';

export const imageFsInfo: Rpc<'ImageFsInfo'> = async ({ runtime }) => {
  const { images, dataDir } = runtime.parts;
  const timestamp = runtime.nowNs();
  const usage = images.usage();
  return {
    image_filesystems: [
      {
        timestamp,
        fs_id: { mountpoint: images.folder },
        used_bytes: { value: usage.bytes },
        inodes_used: { value: usage.inodes },
      },
    ],
    container_filesystems: [
      {
        timestamp,
        fs_id: { mountpoint: dataDir },
        used_bytes: { value: usedBytes(dataDir) },
        inodes_used: { value: usedInodes(dataDir) },
      },
    ],
  };
};

/** Of the whole file system: counting the writable layers would mean to walk them. */
function usedBytes(folder: string): number {
  const { blocks, bfree, bsize } = statfsSync(folder);
  return (blocks - bfree) * bsize;
}

function usedInodes(folder: string): number {
  const { files, ffree } = statfsSync(folder);
  return files - ffree;
}
