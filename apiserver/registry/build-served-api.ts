/** Makes the tables of what is served from the lists of an {@link ApiDefinition}. */

import assert from 'node:assert/strict';
import type { Resource } from '../../proto/api/resource.ts';
import { kindOfResource } from '../../proto/api/schema.ts';
import type { ApiDefinition } from './api-definition.ts';
import type { ServedApi, ServedGroupVersion, ServedResource, Serving } from './served-api.ts';
import type { Strategy } from './strategy.ts';
import type { Subresource } from './subresource.ts';
import { statusRules } from './update-rules.ts';

const STORED_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export function buildServedApi(definition: ApiDefinition): ServedApi {
  const servings: Serving[] = [
    ...definition.strategies.map((strategy): Serving => ({ kind: 'stored', strategy })),
    ...definition.views.map((view): Serving => ({ kind: 'view', view })),
    ...definition.virtualResources.map((virtual): Serving => ({ kind: 'virtual', virtual })),
  ];
  const resources = servings.map((serving) => servedResource(serving, definition.subresources));
  const byKey = new Map(resources.map((served) => [keyOf(served.resource), served]));
  assert.equal(byKey.size, resources.length, 'A resource is served twice');
  for (const { resource, name } of definition.subresources) {
    assert.ok(byKey.has(keyOf(resource)), `Nobody serves ${resource.plural} for ${name}`);
  }
  const groupVersions = groupVersionsOf(resources);
  return {
    groupVersions,
    find: (group, version, plural) => byKey.get(`${group}/${version}/${plural}`),
  };
}

/** The resource whose rules and columns a serving has. */
export function strategyOf(serving: Serving): Strategy | undefined {
  switch (serving.kind) {
    case 'stored':
      return serving.strategy;
    case 'view':
      return serving.view.strategy;
    case 'virtual':
      return undefined;
  }
}

function servedResource(serving: Serving, all: readonly Subresource[]): ServedResource {
  const strategy = strategyOf(serving);
  const resource = serving.kind === 'virtual' ? serving.virtual.resource : strategy?.resource;
  assert.ok(resource !== undefined);
  const kind = kindOfResource(resource.group, resource.version, resource.plural);
  assert.ok(kind !== undefined, `The schema has no ${resource.plural}`);
  const own = all.filter((subresource) => keyOf(subresource.resource) === keyOf(resource));
  const isStatusNeeded =
    strategy?.status === 'separate' && !own.some(({ name }) => name === 'status');
  const subresources = isStatusNeeded ? [...own, statusPart(strategy)] : own;
  return {
    resource,
    serving,
    singular: kind.singular,
    listKind: serving.kind === 'virtual' ? undefined : kind.list,
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    verbs: serving.kind === 'virtual' ? ['create'] : STORED_VERBS,
    subresources: new Map(
      subresources
        .toSorted((a, b) => compare(a.name, b.name))
        .map((subresource) => [subresource.name, subresource]),
    ),
  };
}

/** `status` as a part; its rules are known by name to the updating endpoints as well. */
function statusPart(strategy: Strategy): Subresource {
  const rules = statusRules(strategy);
  return {
    type: 'part',
    resource: strategy.resource,
    name: 'status',
    prepareForUpdate: (object, old, context) => rules.prepare(object, old, context),
    validateUpdate: (object, old) => rules.validate(object, old),
  };
}

function groupVersionsOf(resources: readonly ServedResource[]): readonly ServedGroupVersion[] {
  const groups = Map.groupBy(resources, ({ resource }) => `${resource.group}/${resource.version}`);
  return [...groups.values()]
    .map((members) => {
      const [first] = members;
      assert.ok(first !== undefined);
      const { group, version } = first.resource;
      const sorted = members.toSorted((a, b) => compare(a.resource.plural, b.resource.plural));
      return { group, version, resources: sorted };
    })
    .sort((a, b) => compare(a.group, b.group) || byPreference(a.version, b.version));
}

/** Stable versions first, then the higher number. Source: Kubernetes' "version priority". */
function byPreference(a: string, b: string): number {
  return versionRank(b) - versionRank(a) || compare(a, b);
}

function versionRank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return 0;
  const [, major, stage, minor] = match;
  const stageRank = stage === undefined ? 3 : stage === 'beta' ? 2 : 1;
  return stageRank * 1_000_000 + Number(major) * 1000 + Number(minor ?? 0);
}

function keyOf(resource: Resource): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
