/**
 * What admission plugins and subresources may do with the objects of the cluster: the same
 * operations that requests do, without HTTP around them. Implemented by generic-store.ts.
 */

import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import type { ObjectReference } from '../../proto/api/meta.ts';
import type { Resource } from '../../proto/api/resource.ts';
import type { User } from '../http/api-request.ts';
import type { ApiObject } from './strategy.ts';

/** On whose behalf, and whether anything is stored. Absent user: the API server itself. */
export interface AccessOptions {
  readonly user?: User;
  readonly dryRun?: boolean;
  /** Whom changed fields belong to in managedFields. Absent: an update's to nobody. */
  readonly fieldManager?: string;
  /** Names the subresource whose rules and managedFields entry the update has. */
  readonly subresource?: string;
}

export interface ObjectAccess {
  /** The object from the watch cache, which may lag by moments. Shared: never change it. */
  peek(resource: Resource, target: ObjectReference): ApiObject | undefined;
  /** All objects (of a namespace) in the watch cache, in the order of their keys. Shared. */
  peekAll(resource: Resource, namespace?: string): readonly ApiObject[];
  /** The object as stored now. Throws `ApiError` NotFound. Shared: never change it. */
  get(resource: Resource, target: ObjectReference): Promise<ApiObject>;
  /** Through defaults, admission and validation, as a POST. */
  create(resource: Resource, object: ApiObject, options?: AccessOptions): Promise<ApiObject>;
  /**
   * Reads, changes and writes the object, again when somebody else wrote in between. `change` gets
   * a fresh copy and may throw `ApiError`; it skips the strategy's `prepareForUpdate` and
   * validation, for it is the server's own. Returns what is stored.
   */
  update(
    resource: Resource,
    target: ObjectReference,
    change: (object: ApiObject) => void,
    options?: AccessOptions,
  ): Promise<ApiObject>;
  /** As a DELETE: grace, finalizers, preconditions. Returns the last state of the object. */
  delete(
    resource: Resource,
    target: ObjectReference,
    deleteOptions?: DeleteOptions,
    options?: AccessOptions,
  ): Promise<ApiObject>;
}
