/**
 * `finalize` of namespaces: the namespace controller takes its finalizer away when a deleted namespace
 * is empty, and the namespace goes.
 * Source: kubernetes pkg/registry/core/namespace/strategy.go, v1.36.
 */

import { namespaces } from '../../../proto/api/gen/resources.ts';
import type { PartSubresource } from '../subresource.ts';

export const namespaceFinalize: PartSubresource = {
  type: 'part',
  resource: namespaces,
  name: 'finalize',
  verbs: ['update'],

  prepareForUpdate(object, old) {
    if (old.status === undefined) delete object.status;
    else object.status = structuredClone(old.status);
  },
};
