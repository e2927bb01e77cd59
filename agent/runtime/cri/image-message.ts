/** An image as clients see it. Pure. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { Image, ImageSpec, Input } from '../../../proto/cri/types.ts';
import type { StoredImage } from '../image/image-store.ts';

/** One of uid and username is never empty: without USER, the user is root. */
export function imageMessage(image: StoredImage): Input<Image> {
  const [user = ''] = image.config.user.split(':');
  const isName = user !== '' && !/^[0-9]+$/.test(user);
  return {
    id: image.id,
    repo_tags: image.repoTags,
    repo_digests: image.repoDigests,
    size: image.size,
    uid: isName ? null : { value: user === '' ? '0' : user },
    username: isName ? user : '',
    pinned: image.rootfs.kind === 'host',
  };
}

/** Throws INVALID_ARGUMENT when the request names no image. */
export function imageName(spec: ImageSpec | null): string {
  if (spec !== null && spec.image !== '') return spec.image;
  throw new CriError('INVALID_ARGUMENT', 'no image was named');
}
