/** PullImage: from the registry, unless it is the built-in image. The errors are what a kubelet shows. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { PullError, type PullErrorKind } from '../image/pull-error.ts';
import { parseReference } from '../image/reference.ts';
import { credentialsOf } from '../image/registry/credentials.ts';
import { imageName } from './image-message.ts';
import type { Rpc } from './rpc.ts';

const CODES = {
  'not-found': 'NOT_FOUND',
  unauthorized: 'PERMISSION_DENIED',
  unavailable: 'UNAVAILABLE',
  invalid: 'FAILED_PRECONDITION',
} as const satisfies Record<PullErrorKind, CriError['code']>;

export const pullImage: Rpc<'PullImage'> = async ({ runtime }, request, signal) => {
  const { images, puller, logger } = runtime.parts;
  const text = imageName(request.image);
  const parsed = parseReference(text);
  if (parsed.kind === 'invalid') throw new CriError('INVALID_ARGUMENT', parsed.message);
  const present = images.find(text);
  if (present?.rootfs.kind === 'host') return { image_ref: present.id };
  if (parsed.kind === 'id') {
    if (present !== undefined) return { image_ref: present.id };
    throw new CriError('NOT_FOUND', `image "${text}" is not present, and an id names no registry`);
  }
  const credentials = credentialsOf(request.auth, parsed.name.domain);
  if (credentials === undefined) {
    throw new CriError('INVALID_ARGUMENT', 'the credentials are not base64 of USER:PASSWORD');
  }
  try {
    const image = await puller.pull({ name: parsed.name, credentials, signal });
    logger.info('Pulled an image', { image: text, id: image.id });
    return { image_ref: image.id };
  } catch (error) {
    throw signal.aborted ? gone(error) : asCri(text, error);
  }
};

function gone(cause: unknown): CriError {
  return new CriError('CANCELLED', 'the client has gone', { cause });
}

function asCri(image: string, error: unknown): unknown {
  if (!(error instanceof PullError)) return error;
  return new CriError(CODES[error.kind], messageOf(image, error), { cause: error });
}

/** A kubelet knows the failure of a registry, as against that of an image, by the first word. */
function messageOf(image: string, error: PullError): string {
  const text = `failed to pull and unpack image "${image}": ${error.message}`;
  switch (error.kind) {
    case 'unavailable':
      return `RegistryUnavailable: ${text}`;
    case 'not-found':
      return `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found: ${error.message}`;
    case 'unauthorized':
    case 'invalid':
      return text;
  }
}
