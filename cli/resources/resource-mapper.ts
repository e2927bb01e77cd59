/**
 * Finds the resource that a user means by `pods`, `po`, `pod`, `deployments.apps`, or by a kind, among
 * what the API server serves. It asks the server's discovery once.
 *
 * Source: kubernetes/client-go restmapper/{discovery,shortcut}.go, v0.36.
 */

import type { Client } from '../../client/client.ts';
import { apiVersionOf, type Resource } from '../../proto/api/resource.ts';
import { CliUsageError } from '../session.ts';

export interface ServedResource extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

/** The part of apidiscovery.k8s.io/v2 that is read. */
interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly DiscoveredResource[];
    }[];
  }[];
}

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: { readonly kind: string };
  readonly scope: 'Namespaced' | 'Cluster';
  readonly singularResource?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export class ResourceMapper {
  readonly #resources: readonly ServedResource[];

  /** Resources in the order of preference: core first, each group's preferred version first. */
  constructor(resources: readonly ServedResource[]) {
    this.#resources = resources;
  }

  static async discover(client: Client, signal?: AbortSignal): Promise<ResourceMapper> {
    const answers = await Promise.all(
      ['/api', '/apis'].map((path) =>
        client.request('GET', path, undefined, { accept: ACCEPT }, signal),
      ),
    );
    return new ResourceMapper(
      answers.flatMap((answer) => servedResources(answer as DiscoveryList)),
    );
  }

  all(): readonly ServedResource[] {
    return this.#resources;
  }

  /** Throws {@link CliUsageError} in kubectl's words when the server has no such resource. */
  byName(name: string): ServedResource {
    const lower = name.toLowerCase();
    const [plain = '', ...group] = lower.split('.');
    const isNamed = (resource: ServedResource): boolean =>
      [resource.plural, resource.singular, resource.kind.toLowerCase()].includes(plain) ||
      resource.shortNames.includes(plain);
    const found = this.#resources.find(
      (resource) => isNamed(resource) && matchesGroup(resource, group.join('.')),
    );
    if (found !== undefined) return found;
    throw new CliUsageError(`the server doesn't have a resource type "${name}"`);
  }

  /** All resources of a category such as `all`; empty when it is none. */
  byCategory(name: string): readonly ServedResource[] {
    return this.#resources.filter((resource) => resource.categories.includes(name));
  }

  byKind(apiVersion: string, kind: string): ServedResource {
    const found = this.#resources.find(
      (resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion,
    );
    if (found !== undefined) return found;
    throw new CliUsageError(
      `no matches for kind "${kind}" in version "${apiVersion}": "skiff api-resources" lists what there is`,
    );
  }
}

/** `deployments.apps` and `deployments.v1.apps` both name the group. */
function matchesGroup(resource: ServedResource, group: string): boolean {
  return (
    group === '' || group === resource.group || group === `${resource.version}.${resource.group}`
  );
}

function servedResources(list: DiscoveryList): readonly ServedResource[] {
  return (list.items ?? []).flatMap((group) =>
    (group.versions ?? []).flatMap((version) =>
      (version.resources ?? []).map((found) => ({
        group: group.metadata?.name ?? '',
        version: version.version,
        kind: found.responseKind?.kind ?? '',
        plural: found.resource,
        namespaced: found.scope === 'Namespaced',
        singular: found.singularResource ?? '',
        shortNames: found.shortNames ?? [],
        categories: found.categories ?? [],
        verbs: found.verbs ?? [],
        subresources: (found.subresources ?? []).map(({ subresource }) => subresource),
      })),
    ),
  );
}
