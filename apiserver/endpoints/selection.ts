/** Which objects a label selector and a field selector pick, in the shape of an api. */

import { zeroMessage } from '../../proto/api/decode.ts';
import {
  exactFieldValue,
  matchesFields,
  parseFieldSelector,
} from '../../proto/api/field-selector.ts';
import { matchesLabels, parseLabelSelector } from '../../proto/api/label-selector.ts';
import type { ResourceApi } from '../registry/resource-api.ts';
import type { ApiObject } from '../registry/strategy.ts';
import type { CachedObject } from '../storage/watch-cache/cached-object.ts';

export interface Selection {
  /** Everything is picked. */
  readonly isEverything: boolean;
  /** The only name that can be picked, if the selector says one. */
  readonly name: string | undefined;
  matches(cached: CachedObject<ApiObject>): boolean;
}

const EVERYTHING: Selection = { isEverything: true, name: undefined, matches: () => true };

/** Throws BadRequest for what is no selector, and for fields that the kind does not offer. */
export function parseSelection(api: ResourceApi, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (labels.length === 0 && fields.length === 0) return EVERYTHING;
  if (fields.length > 0) matchesFields(fields, selectableFields(api, emptyObject(api)));
  return {
    isEverything: false,
    name: exactFieldValue(fields, 'metadata.name'),
    matches: (cached) =>
      matchesLabels(labels, cached.object.metadata.labels) &&
      (fields.length === 0 ||
        matchesFields(fields, selectableFields(api, api.show(cached).object))),
  };
}

function selectableFields(api: ResourceApi, object: ApiObject): Readonly<Record<string, string>> {
  const own = api.strategy.selectableFields?.(object);
  const { name, namespace } = object.metadata;
  return api.kind.namespaced
    ? { ...own, 'metadata.name': name, 'metadata.namespace': namespace ?? '' }
    : { ...own, 'metadata.name': name };
}

/** For the names of the fields alone. */
function emptyObject(api: ResourceApi): ApiObject {
  const metadata = { name: '', uid: '', resourceVersion: '', creationTimestamp: '' };
  return { ...zeroMessage(api.kind.schema), apiVersion: '', kind: '', metadata };
}
