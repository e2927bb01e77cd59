/**
 * Admission: rules that look at more than the object itself (its namespace, quotas, defaults from
 * other objects). Every write passes all mutating plugins, then validation of the object, then all
 * validating plugins, each in the order of registration. A plugin refuses by throwing `ApiError`.
 *
 * Plugins read other objects from the watch cache, which may lag the store by moments; a rule
 * that must not lag asks `objects.get`, which does not. A plugin that has nothing to wait for returns
 * nothing instead of a promise: the create path is hot.
 *
 * Source: kubernetes/apiserver pkg/admission/interfaces.go, v0.36.
 */

import type { Resource } from '../../proto/api/resource.ts';
import type { User } from '../http/api-request.ts';
import type { ObjectAccess } from '../registry/object-access.ts';
import type { ApiObject } from '../registry/strategy.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly resource: Resource;
  /** Empty for the resource itself; `status`, `binding`, `exec`, … */
  readonly subresource: string;
  /** Absent for cluster-scoped resources. */
  readonly namespace: string | undefined;
  /** Empty while a `generateName` is open. */
  readonly name: string;
  /**
   * CREATE, UPDATE: the object to store, which mutating plugins change in place. For an action
   * subresource it is the body. Absent for DELETE.
   */
  readonly object: ApiObject | undefined;
  /** UPDATE, DELETE: what is stored. Shared: never changed. */
  readonly oldObject: ApiObject | undefined;
  readonly user: User;
  /** Nothing will be stored; a plugin must not write either. */
  readonly dryRun: boolean;
  warn(text: string): void;
}

export interface AdmissionPlugin {
  /** As upstream names it: `NamespaceLifecycle`, `ServiceAccount`, … */
  readonly name: string;
  /** Changes `attributes.object` in place. */
  mutate?(attributes: AdmissionAttributes, objects: ObjectAccess): void | Promise<void>;
  /** Sees the final object and changes nothing. */
  validate?(attributes: AdmissionAttributes, objects: ObjectAccess): void | Promise<void>;
}

/** Runs one phase over all plugins; returns a promise only when a plugin did. */
export function admit(
  phase: 'mutate' | 'validate',
  plugins: readonly AdmissionPlugin[],
  attributes: AdmissionAttributes,
  objects: ObjectAccess,
): void | Promise<void> {
  for (let index = 0; index < plugins.length; index += 1) {
    const pending = plugins[index]?.[phase]?.(attributes, objects);
    if (pending === undefined) continue;
    const rest = plugins.slice(index + 1);
    return pending.then(() => admit(phase, rest, attributes, objects));
  }
}
