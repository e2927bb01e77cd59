/**
 * Which objects belong to a controller: those whose controlling owner it is and whose labels it
 * selects, and orphans that it selects, which it adopts. Objects it owns but no longer selects, it
 * releases.
 *
 * Source: kubernetes pkg/controller/controller_ref_manager.go, v1.36.
 */

import type { Client } from '../client/client.ts';
import type { OwnerReference } from '../proto/api/gen/meta-v1.ts';
import { matchesLabels, type Requirement } from '../proto/api/label-selector.ts';
import { controllerOf, type KubernetesObject } from '../proto/api/meta.ts';
import type { Resource } from '../proto/api/resource.ts';
import { isNotFound } from '../proto/api/status-error.ts';

export interface Claims<T> {
  readonly owned: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
}

/** Decides; changes nothing. An owner that is being deleted adopts nothing. */
export function claim<T extends KubernetesObject>(
  owner: KubernetesObject,
  selector: readonly Requirement[],
  candidates: Iterable<T>,
): Claims<T> {
  const claims = { owned: [] as T[], adopt: [] as T[], release: [] as T[] };
  const isOwnerGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const isSelected = matchesLabels(selector, object.metadata.labels);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (isSelected) claims.owned.push(object);
      else if (!isOwnerGoing) claims.release.push(object);
    } else if (isSelected && !isOwnerGoing && object.metadata.deletionTimestamp === undefined) {
      claims.adopt.push(object);
    }
  }
  return claims;
}

/** The reference that makes `owner` an object's controller. */
export function controllerReference(owner: KubernetesObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/**
 * Carries the claims out and returns what is owned afterwards. Before it adopts, it asks the API
 * server whether the owner still is the same, and not going.
 */
export async function carryOutClaims<T extends KubernetesObject>(
  client: Pick<Client, 'get' | 'patch'>,
  resources: { readonly owner: Resource<KubernetesObject>; readonly object: Resource<T> },
  owner: KubernetesObject,
  claims: Claims<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const owned = [...claims.owned];
  if (claims.adopt.length > 0) {
    const { namespace = '', name, uid } = owner.metadata;
    const fresh = await client.get(resources.owner, { namespace, name }, signal);
    const isSame = fresh.metadata.uid === uid && fresh.metadata.deletionTimestamp === undefined;
    if (!isSame) throw new Error(`${owner.kind} ${name} is gone or being deleted: adopts nothing`);
  }
  const write = async (object: T, reference: object): Promise<T | undefined> => {
    const { namespace = '', name, uid } = object.metadata;
    const patch = { metadata: { uid, ownerReferences: [reference] } };
    try {
      const target = { namespace, name };
      return await client.patch(resources.object, target, 'strategic', patch, {}, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  for (const object of claims.adopt) {
    const adopted = await write(object, controllerReference(owner));
    if (adopted !== undefined) owned.push(adopted);
  }
  for (const object of claims.release) {
    await write(object, { $patch: 'delete', uid: owner.metadata.uid });
  }
  return owned;
}
