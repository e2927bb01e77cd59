/** ListImages: all, or the one that a filter names. */

import { imageMessage } from './image-message.ts';
import type { Rpc } from './rpc.ts';

export const listImages: Rpc<'ListImages'> = async ({ runtime }, { filter }) => {
  const { images } = runtime.parts;
  const name = filter?.image?.image ?? '';
  const found = name === '' ? images.list() : [images.find(name)];
  return { images: found.flatMap((image) => (image === undefined ? [] : [imageMessage(image)])) };
};
