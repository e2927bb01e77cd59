/** Subresources that clients know and that do not work yet: each is refused by its name. */

import { pods } from '../../../proto/api/gen/resources.ts';
import { newApiError } from '../../../proto/api/status-error.ts';
import type { ActionSubresource } from '../subresource.ts';

function refused(
  name: string,
  verbs: ActionSubresource['verbs'],
  what: Pick<ActionSubresource, 'optionsKind'>,
  why: string,
): ActionSubresource {
  const refuse = async (): Promise<never> => {
    throw newApiError(501, 'NotImplemented', `pods/${name} is not supported yet: ${why}`);
  };
  return { type: 'action', resource: pods, name, verbs, ...what, handle: refuse, connect: refuse };
}

export const refusedSubresources: readonly ActionSubresource[] = [
  refused(
    'ephemeralcontainers',
    ['get', 'patch', 'update'],
    { optionsKind: { group: '', version: 'v1', kind: 'Pod' } },
    'use "kubectl exec" in a container of the pod, or run a pod of its own',
  ),
];
