/**
 * Mounts whose content is an image: what they need of the store, checked before anything is made.
 *
 * Source: api.proto (Mount.image, image_sub_path); KEP-4639.
 */

import path from 'node:path';
import { CriError } from '../../../proto/cri/rpcs.ts';
import type { Mount } from '../../../proto/cri/types.ts';
import type { ImageMount } from '../container/spec.ts';
import type { ImageStore, StoredImage } from '../image/image-store.ts';
import { MergedTree } from '../image/merged-tree.ts';

export interface ImageVolume {
  readonly image: StoredImage;
}

/** By mount. Throws a CriError: the image must be here, and what a container may only read. */
export function imageVolumes(
  mounts: readonly Mount[],
  images: Pick<ImageStore, 'find'>,
): ReadonlyMap<Mount, ImageVolume> {
  const volumes = new Map<Mount, ImageVolume>();
  for (const mount of mounts) {
    if (mount.image === null) continue;
    const reference = mount.image.image;
    const image = images.find(reference);
    if (image === undefined) {
      throw new CriError('NOT_FOUND', `image "${reference}" of a mount is not present`);
    }
    if (image.rootfs.kind === 'host') throw refused(mount, `"${reference}" is no image of layers`);
    if (mount.host_path !== '') throw refused(mount, 'it has a host_path, too');
    if (!mount.readonly) throw refused(mount, 'an image can only be mounted readonly');
    if (mount.propagation !== 'PROPAGATION_PRIVATE') throw refused(mount, 'it is not private');
    volumes.set(mount, { image });
  }
  return volumes;
}

/**
 * `lowers`: overlay's, the top one first. `empty`: a folder below them, since overlay wants two. The sub
 * path is looked up here to refuse it in time, and once more, by the kernel and inside of the image, when
 * it is mounted.
 */
export function volumeMount(mount: Mount, lowers: readonly string[], empty: string): ImageMount {
  const { container_path: target, image_sub_path: subPath } = mount;
  if (!target.startsWith('/')) throw refused(mount, 'container_path is not absolute');
  if (subPath !== '') checkSubPath(mount, lowers);
  return {
    kind: 'image',
    lower: [...lowers, empty],
    subPath,
    target: path.posix.normalize(target),
  };
}

/** What the status says of the mount: which image it really was. */
export function mountWithDigest(mount: Mount, volume: ImageVolume | undefined): Mount {
  if (mount.image === null || volume === undefined) return mount;
  const { repoDigests, id } = volume.image;
  return { ...mount, image: { ...mount.image, image_ref: repoDigests[0] ?? id } };
}

function checkSubPath(mount: Mount, lowers: readonly string[]): void {
  const { image_sub_path: subPath } = mount;
  const names = subPath.split('/');
  if (subPath.startsWith('/') || names.includes('..') || subPath.includes('\0')) {
    throw refused(mount, `image_sub_path "${subPath}" is not a path below the image's root`);
  }
  let isThere: boolean;
  try {
    isThere = new MergedTree(lowers).resolve(subPath, true).entry !== undefined;
  } catch {
    isThere = false; // It leads through a file, or in circles.
  }
  if (!isThere) throw refused(mount, `image_sub_path "${subPath}" is not in the image`);
}

/** The kubelet knows the reason by its first word. */
function refused(mount: Mount, why: string): CriError {
  const message = `ImageVolumeMountFailed: mount at "${mount.container_path}": ${why}`;
  return new CriError('INVALID_ARGUMENT', message);
}
