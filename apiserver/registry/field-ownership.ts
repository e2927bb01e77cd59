/** Who set which field (`metadata.managedFields`), kept up by every write. */

import { isUnchanged, trackUpdate } from '../../proto/api/managed-fields.ts';
import { apiVersionOf } from '../../proto/api/resource.ts';
import { formatTime } from '../../proto/api/time.ts';
import type { StoreContext, WriteRequest } from './store-context.ts';
import type { ApiObject } from './strategy.ts';

/**
 * `update`: the fields that the write changes become its manager's. `applied`: server-side apply has
 * said already whose they are.
 */
export type Ownership = 'update' | 'applied';

/** `before` is absent for a creation. Sets `managedFields` of `after`. */
export function trackWrite(
  context: StoreContext,
  before: ApiObject | undefined,
  after: ApiObject,
  request: WriteRequest,
): void {
  const managedFields = trackUpdate({
    typeName: context.kind.schema,
    before,
    after,
    manager: request.fieldManager,
    time: formatTime(context.clock.wallMs()),
    subresource: request.subresource,
    apiVersion: apiVersionOf(context.strategy.resource),
  });
  if (managedFields === undefined) delete after.metadata.managedFields;
  else after.metadata.managedFields = managedFields;
}

/** Such a write is none: it leaves the object and its resourceVersion as they are. */
export function changesNothing(before: ApiObject, after: ApiObject): boolean {
  return isUnchanged(before, after);
}
