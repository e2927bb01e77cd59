/** PullImage: images that are present are there already; others cannot be pulled yet. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { parseReference } from '../image/reference.ts';
import { imageName } from './image-message.ts';
import type { Rpc } from './rpc.ts';

export const pullImage: Rpc<'PullImage'> = async ({ runtime }, request) => {
  const name = imageName(request.image);
  const parsed = parseReference(name);
  if (parsed.kind === 'invalid') throw new CriError('INVALID_ARGUMENT', parsed.message);
  const image = runtime.parts.images.find(name);
  if (image !== undefined) return { image_ref: image.id };
  throw new CriError(
    'UNIMPLEMENTED',
    `image "${name}" is not present, and pulling from a registry is not implemented: ` +
      'load it with "skiff image load FILE"',
  );
};
