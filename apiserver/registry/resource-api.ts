/**
 * A resource as endpoints see it: the stored objects in the shape of the group version that was asked
 * for. For most kinds that is the stored shape itself; for a view it is converted, once per version
 * of an object.
 */

import type { KindInfo } from '../../proto/api/schema.ts';
import type { CachedObject } from '../storage/watch-cache/cached-object.ts';
import type { ResourceView } from './api-definition.ts';
import type { ResourceStore } from './resource-store.ts';
import type { ServedResource } from './served-api.ts';
import type { ApiObject, Strategy } from './strategy.ts';

/** An object in its shape, with its JSON. Shared: never change it. */
export interface Shown {
  readonly object: ApiObject;
  readonly json: Uint8Array;
}

export interface ResourceApi {
  readonly served: ServedResource;
  readonly kind: KindInfo;
  /** Of the shape that is shown. */
  readonly strategy: Strategy;
  readonly store: ResourceStore;
  readonly view: ResourceView | undefined;
  show(cached: CachedObject<ApiObject>): Shown;
}

export function newResourceApi(
  served: ServedResource,
  kind: KindInfo,
  store: ResourceStore,
): ResourceApi {
  const { serving } = served;
  if (serving.kind !== 'view') {
    const { strategy } = store;
    return { served, kind, strategy, store, view: undefined, show: (cached) => cached };
  }
  const { view } = serving;
  const shown = new WeakMap<CachedObject<ApiObject>, Shown>();
  return {
    served,
    kind,
    strategy: view.strategy,
    store,
    view,
    show(cached) {
      const known = shown.get(cached);
      if (known !== undefined) return known;
      const object = view.fromStored(cached.object);
      const made = { object, json: Buffer.from(JSON.stringify(object)) };
      shown.set(cached, made);
      return made;
    },
  };
}

/** The object of a stored one, in the shape of the api. */
export function inShape(api: ResourceApi, stored: ApiObject): ApiObject {
  return api.view === undefined ? stored : api.view.fromStored(stored);
}

/** What to store for an object in the shape of the api. */
export function toStored(api: ResourceApi, object: ApiObject): ApiObject {
  return api.view === undefined ? object : api.view.toStored(object);
}
