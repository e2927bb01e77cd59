/** The served resources as tables: what the router, discovery and OpenAPI look things up in. */

import type { Resource } from '../../proto/api/resource.ts';
import type { ResourceView, VirtualResource } from './api-definition.ts';
import type { Strategy } from './strategy.ts';
import type { Subresource } from './subresource.ts';

/** How a resource is kept and answered. */
export type Serving =
  | { readonly kind: 'stored'; readonly strategy: Strategy }
  | { readonly kind: 'view'; readonly view: ResourceView }
  | { readonly kind: 'virtual'; readonly virtual: VirtualResource };

export interface ServedResource {
  readonly resource: Resource;
  readonly serving: Serving;
  readonly singular: string;
  /** `PodList`; absent for resources that can't be listed. */
  readonly listKind: string | undefined;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** As discovery names them, sorted: `create`, `delete`, `deletecollection`, `get`, … */
  readonly verbs: readonly string[];
  /** By name, `status` among them; empty for most kinds. */
  readonly subresources: ReadonlyMap<string, Subresource>;
}

export interface ServedGroupVersion {
  readonly group: string;
  readonly version: string;
  /** In the order of their plurals. */
  readonly resources: readonly ServedResource[];
}

export interface ServedApi {
  /** The core group first, then by name; versions of a group in the order of preference. */
  readonly groupVersions: readonly ServedGroupVersion[];
  find(group: string, version: string, plural: string): ServedResource | undefined;
}

/** The verbs of a subresource, as discovery names them. */
export function verbsOf(subresource: Subresource): readonly string[] {
  return subresource.type === 'part'
    ? (subresource.verbs ?? ['get', 'patch', 'update'])
    : subresource.verbs;
}
