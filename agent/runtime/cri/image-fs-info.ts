/** ImageFsInfo: where images and writable layers are, and what each take there. */

import type { Rpc } from './rpc.ts';

export const imageFsInfo: Rpc<'ImageFsInfo'> = async ({ runtime }) => {
  const { images, dataDir, state } = runtime.parts;
  const timestamp = runtime.nowNs();
  const usage = images.usage();
  const containers = state.containers().filter(({ phase }) => phase !== 'creating');
  const layers = await Promise.all(containers.map(({ id }) => runtime.writableLayerUsage(id)));
  const sum = (what: 'bytes' | 'inodes'): number =>
    layers.reduce((all, layer) => all + (layer?.[what] ?? 0), 0);
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
        used_bytes: { value: sum('bytes') },
        inodes_used: { value: sum('inodes') },
      },
    ],
  };
};
