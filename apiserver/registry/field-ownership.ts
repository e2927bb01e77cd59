/** Who set which field (`metadata.managedFields`), kept up by every write. */

import { cloneJson } from '../../proto/api/json.ts';
import type { StoreContext, WriteRequest } from './store-context.ts';
import type { ApiObject } from './strategy.ts';

export function trackCreate(
  _context: StoreContext,
  _object: ApiObject,
  _request: WriteRequest,
): void {
  // nothing yet
}

export function trackUpdate(
  _context: StoreContext,
  object: ApiObject,
  old: ApiObject,
  _request: WriteRequest,
): void {
  if (object.metadata.managedFields === undefined && old.metadata.managedFields !== undefined) {
    object.metadata.managedFields = cloneJson(old.metadata.managedFields);
  }
}
