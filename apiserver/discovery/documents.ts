/**
 * The discovery documents: what there is to ask for, told from the tables of what is served. Two
 * forms: the aggregated one (everything of `/api` or `/apis` in one answer) and the older one, a
 * document for each group version.
 *
 * Source: kubernetes/apiserver pkg/endpoints/discovery; API `apidiscovery.k8s.io/v2`,
 * `meta/v1` APIGroupList and APIResourceList, v0.36.
 */

import type { ServedApi, ServedGroupVersion, ServedResource } from '../registry/served-api.ts';
import { verbsOf } from '../registry/served-api.ts';
import type { BodyKind, Subresource } from '../registry/subresource.ts';

export type AggregatedVersion = 'v2' | 'v2beta1';

/** `core`: what `/api` answers; `named`: what `/apis` answers. */
export type Part = 'core' | 'named';

/** `APIGroupDiscoveryList` */
export function aggregatedDocument(api: ServedApi, part: Part, version: AggregatedVersion): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groupsOf(api, part).map(({ name, versions }) => ({
      metadata: name === '' ? { creationTimestamp: null } : { name, creationTimestamp: null },
      versions: versions.map((one) => ({
        version: one.version,
        resources: one.resources.map((resource) => aggregatedResource(one, resource)),
        freshness: 'Current',
      })),
    })),
  };
}

/** `/api` */
export function coreVersions(): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [],
  };
}

/** `/apis` */
export function groupList(api: ServedApi): object {
  const groups = groupsOf(api, 'named').map(groupEntry);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/<group>`; undefined when there is no such group. */
export function groupDocument(api: ServedApi, name: string): object | undefined {
  const group = groupsOf(api, 'named').find((one) => one.name === name);
  if (group === undefined) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

/** `/api/v1`, `/apis/<group>/<version>`; undefined when there is no such group version. */
export function resourceList(api: ServedApi, group: string, version: string): object | undefined {
  const found = api.groupVersions.find((one) => one.group === group && one.version === version);
  if (found === undefined) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: nameOf(found),
    resources: found.resources.flatMap((resource) => resourceEntries(found, resource)),
  };
}

interface Group {
  readonly name: string;
  /** In the order of preference. */
  readonly versions: readonly ServedGroupVersion[];
}

function groupsOf(api: ServedApi, part: Part): readonly Group[] {
  const groups = new Map<string, ServedGroupVersion[]>();
  for (const one of api.groupVersions) {
    if ((one.group === '') !== (part === 'core')) continue;
    const known = groups.get(one.group);
    if (known === undefined) groups.set(one.group, [one]);
    else known.push(one);
  }
  return [...groups].map(([name, versions]) => ({ name, versions }));
}

function groupEntry({ name, versions }: Group): object {
  const all = versions.map((one) => ({ groupVersion: nameOf(one), version: one.version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function nameOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

function aggregatedResource(groupVersion: ServedGroupVersion, served: ServedResource): object {
  const { resource, subresources } = served;
  return {
    resource: resource.plural,
    responseKind: kindEntry(resource),
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: served.singular,
    verbs: served.verbs,
    ...optional('shortNames', served.shortNames),
    ...optional('categories', served.categories),
    ...optional(
      'subresources',
      [...subresources.values()].map((subresource) => ({
        subresource: subresource.name,
        responseKind: kindEntry(kindOf(subresource, groupVersion)),
        verbs: verbsOf(subresource),
      })),
    ),
  };
}

function resourceEntries(groupVersion: ServedGroupVersion, served: ServedResource): object[] {
  const { resource } = served;
  const main = {
    name: resource.plural,
    singularName: served.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: served.verbs,
    ...optional('shortNames', served.shortNames),
    ...optional('categories', served.categories),
  };
  const below = [...served.subresources.values()].map((subresource) => {
    const kind = kindOf(subresource, groupVersion);
    const elsewhere = kind.group !== groupVersion.group || kind.version !== groupVersion.version;
    return {
      name: `${resource.plural}/${subresource.name}`,
      singularName: '',
      namespaced: resource.namespaced,
      // A kind that lives elsewhere is told with its group and version.
      ...(elsewhere ? { group: kind.group, version: kind.version } : {}),
      kind: kind.kind,
      verbs: verbsOf(subresource),
    };
  });
  return [main, ...below];
}

/** The kind of a subresource's body; that of its options where no body is. */
function kindOf(subresource: Subresource, groupVersion: ServedGroupVersion): BodyKind {
  if (subresource.body !== undefined) return subresource.body;
  const { kind } = subresource.resource;
  const own = { group: groupVersion.group, version: groupVersion.version, kind };
  return subresource.type === 'part' ? own : (subresource.optionsKind ?? own);
}

function kindEntry({ group, version, kind }: BodyKind): BodyKind {
  return { group, version, kind };
}

function optional(name: string, list: readonly unknown[]): object {
  return list.length === 0 ? {} : { [name]: list };
}
