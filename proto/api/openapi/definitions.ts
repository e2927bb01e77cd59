/** The definitions of a set of resources: their types and lists, each with the kinds that it describes. */

import type { JsonObject } from '../json.ts';
import { typeNameOfKind } from '../schema.ts';
import { type Dialect, definitionsOf, listSchema } from './json-schema.ts';
import type { ServedKind, ServedResourceFacts } from './served.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const GROUP_VERSION_KIND = 'x-kubernetes-group-version-kind';

/** Types that answers and options are made of. */
const ALWAYS = [`${META}.Status`, `${META}.DeleteOptions`, `${META}.ListMeta`];

/**
 * Schemas by definition name, sorted. The extension that tells which kinds a definition describes is how
 * clients find it.
 */
export function servedDefinitions(
  resources: readonly ServedResourceFacts[],
  dialect: Dialect,
): Readonly<Record<string, JsonObject>> {
  const kinds = resources.flatMap((resource) => [
    resource,
    ...resource.subresources.map(({ kind }) => kind),
  ]);
  const names = new Set(ALWAYS);
  const described = new Map<string, ServedKind[]>();
  const describe = (name: string, { group, version, kind }: ServedKind): void => {
    const known = described.get(name) ?? [];
    const isKnown = known.some((one) => one.group === group && one.version === version);
    if (!isKnown) described.set(name, [...known, { group, version, kind }]);
  };
  for (const kind of kinds) {
    const name = definitionName(kind);
    if (name === undefined) continue;
    names.add(name);
    describe(name, kind);
    describe(`${META}.DeleteOptions`, { ...kind, kind: 'DeleteOptions' });
  }
  describe(`${META}.Status`, { group: '', version: 'v1', kind: 'Status' });
  const definitions = definitionsOf([...names], dialect);
  for (const resource of resources) {
    const item = definitionName(resource);
    if (resource.listKind === undefined || item === undefined) continue;
    const name = listName(item, resource.listKind);
    definitions.set(name, listSchema(item, resource.listKind, dialect));
    describe(name, { ...resource, kind: resource.listKind });
  }
  for (const [name, list] of described) {
    const schema = definitions.get(name);
    if (schema !== undefined) definitions.set(name, { ...schema, [GROUP_VERSION_KIND]: list });
  }
  return Object.fromEntries([...definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The definition of a kind; of a list kind when `item` is given. */
export function definitionName(kind: ServedKind): string | undefined {
  return typeNameOfKind(kind.group, kind.version, kind.kind);
}

/** Where the list of a type is defined: beside the type. */
export function listName(itemType: string, listKind: string): string {
  return `${itemType.slice(0, itemType.lastIndexOf('.'))}.${listKind}`;
}

export function groupVersionKind({ group, version, kind }: ServedKind): JsonObject {
  return { [GROUP_VERSION_KIND]: { group, version, kind } };
}
