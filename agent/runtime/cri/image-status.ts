/** ImageStatus: an unknown image is an empty answer, not an error. */

import { imageMessage, imageName } from './image-message.ts';
import type { Rpc } from './rpc.ts';

export const imageStatus: Rpc<'ImageStatus'> = async ({ runtime }, request) => {
  const image = runtime.parts.images.find(imageName(request.image));
  if (image === undefined) return { image: null, info: {} };
  const { config, rootfs, blobs } = image;
  const info = { imageSpec: { config }, rootfs, blobs };
  return {
    image: imageMessage(image),
    info: request.verbose ? { info: JSON.stringify(info) } : {},
  };
};
