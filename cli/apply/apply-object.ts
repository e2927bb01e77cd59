/**
 * Applies one object by server-side apply, and says what that did: `created`, `configured` or
 * `unchanged`. Applying the same object again changes nothing.
 */

import type { Client } from '../../client/client.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { groupResource, type Resource } from '../../proto/api/resource.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ManifestObject } from '../manifests/read-manifests.ts';

export interface AppliedObject {
  readonly resource: Resource;
  readonly object: KubernetesObject;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

export interface ApplyOptions {
  /** Used where the manifest names no namespace and the resource has them. */
  readonly namespace: string;
  readonly fieldManager: string;
  /** Take fields over from other managers instead of failing with a conflict. */
  readonly force: boolean;
  readonly dryRun?: boolean;
}

/** Throws `ApiError` as the API server answers it. Two requests. */
export async function applyObject(
  client: Client,
  resource: Resource,
  manifest: ManifestObject,
  options: ApplyOptions,
): Promise<AppliedObject> {
  const namespace = resource.namespaced
    ? (manifest.metadata.namespace ?? options.namespace)
    : undefined;
  const body = { ...manifest, metadata: { ...manifest.metadata, ...(namespace && { namespace }) } };
  const target = { name: manifest.metadata.name ?? '', ...(namespace && { namespace }) };
  const before = await getOrUndefined(client, resource, target);
  const object = (await client.patch(resource, target, 'apply', body, {
    fieldManager: options.fieldManager,
    force: options.force,
    fieldValidation: 'Strict',
    ...(options.dryRun === true ? { dryRun: true } : {}),
  })) as KubernetesObject;
  const outcome =
    before === undefined
      ? 'created'
      : before.metadata.resourceVersion === object.metadata.resourceVersion
        ? 'unchanged'
        : 'configured';
  return { resource, object, outcome };
}

/** `deployment.apps/web created`: the line that kubectl prints. */
export function outcomeLine(applied: AppliedObject): string {
  const { group, kind } = applied.resource;
  const name = groupResource({ group, plural: kind.toLowerCase() });
  return `${name}/${applied.object.metadata.name} ${applied.outcome}`;
}

async function getOrUndefined(
  client: Client,
  resource: Resource,
  target: { readonly namespace?: string; readonly name: string },
): Promise<KubernetesObject | undefined> {
  try {
    return (await client.get(resource, target)) as KubernetesObject;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
