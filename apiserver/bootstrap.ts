/**
 * Objects that a cluster has from its first start, made when they are missing; what somebody has
 * changed about them stays.
 * Source: kubernetes pkg/controlplane/controller/systemnamespaces, pkg/registry/scheduling/rest, v1.36.
 */

import { namespaces, priorityclasses } from '../proto/api/gen/resources.ts';
import { apiVersionOf, type Resource } from '../proto/api/resource.ts';
import { isAlreadyExists } from '../proto/api/status-error.ts';
import type { StoredObjects } from './registry/stored-objects.ts';
import { SYSTEM_PRIORITIES } from './registry/strategies/priorityclasses.ts';
import type { ApiObject } from './registry/strategy.ts';

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Kinds that are not served are left out. */
export async function ensureSystemObjects(objects: StoredObjects): Promise<void> {
  const wanted: [Resource, ApiObject][] = [
    ...SYSTEM_NAMESPACES.map((name): [Resource, ApiObject] => [
      namespaces,
      draft(namespaces, name, {}),
    ]),
    ...Object.entries(SYSTEM_PRIORITIES).map(([name, value]): [Resource, ApiObject] => [
      priorityclasses,
      draft(priorityclasses, name, { value, description: describe(name) }),
    ]),
  ];
  await Promise.all(wanted.map(([resource, object]) => ensure(objects, resource, object)));
}

async function ensure(
  objects: StoredObjects,
  resource: Resource,
  object: ApiObject,
): Promise<void> {
  const store = objects.find(resource);
  if (store === undefined) return;
  if (store.peek({ namespace: '', name: object.metadata.name }) !== undefined) return;
  try {
    await objects.create(resource, object);
  } catch (error) {
    // Another API server of the same store was faster.
    if (!isAlreadyExists(error)) throw error;
  }
}

function draft(resource: Resource, name: string, fields: Record<string, unknown>): ApiObject {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' },
    ...fields,
  };
}

function describe(name: string): string {
  const where = name === 'system-node-critical' ? 'node' : 'cluster';
  return `Used for system critical pods that must not be moved from their current ${where}.`;
}
