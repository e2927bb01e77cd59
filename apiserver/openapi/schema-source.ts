/** The OpenAPI documents of what is served, made from the schema (proto/api/openapi-v2.ts, -v3.ts). */

import type { ServedResourceFacts, ServedSubresource } from '../../proto/api/openapi/served.ts';
import { openApiV2Document, openApiV2Protobuf } from '../../proto/api/openapi-v2.ts';
import { openApiV3Document } from '../../proto/api/openapi-v3.ts';
import { type ServedApi, type ServedResource, verbsOf } from '../registry/served-api.ts';
import type { BodyKind, Subresource } from '../registry/subresource.ts';
import type { OpenApiSource } from './source.ts';

export const schemaSource: OpenApiSource = {
  v2: (api) => openApiV2Document(all(api)),
  v2Protobuf: (api) => openApiV2Protobuf(openApiV2Document(all(api))),
  v3: (api, group, version) => {
    const found = api.groupVersions.find((one) => one.group === group && one.version === version);
    return openApiV3Document((found?.resources ?? []).map(factsOf));
  },
};

function all(api: ServedApi): readonly ServedResourceFacts[] {
  return api.groupVersions.flatMap(({ resources }) => resources.map(factsOf));
}

function factsOf(served: ServedResource): ServedResourceFacts {
  const { group, version, kind, plural, namespaced } = served.resource;
  return {
    group,
    version,
    kind,
    plural,
    namespaced,
    listKind: served.listKind,
    verbs: served.verbs,
    subresources: [...served.subresources.values()].map((one) => subresourceOf(served, one)),
  };
}

function subresourceOf(served: ServedResource, subresource: Subresource): ServedSubresource {
  const kind = bodyKindOf(served, subresource);
  return {
    name: subresource.name,
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    verbs: verbsOf(subresource),
  };
}

function bodyKindOf({ resource }: ServedResource, subresource: Subresource): BodyKind {
  if (subresource.type === 'part') return subresource.body ?? resource;
  return subresource.body ?? subresource.optionsKind ?? resource;
}
