/** RemoveImage: with all its names. Unknown: done. The built-in image stays. */

import { imageName } from './image-message.ts';
import type { Rpc } from './rpc.ts';

export const removeImage: Rpc<'RemoveImage'> = async ({ runtime }, request) => {
  runtime.parts.images.remove(imageName(request.image));
  return {};
};
