/**
 * A resource: what names a kind of object in the API, and in TypeScript the type of its objects.
 * The constants are in gen/resources.ts: `client.get(pods, { namespace, name })` gives a `Pod`.
 */

/** `T` is used by the compiler only. */
export interface Resource<T = unknown> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly '~type'?: T;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `pods`, `deployments.apps`: the name of a resource in messages. */
export function groupResource(resource: {
  readonly group: string;
  readonly plural: string;
}): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/**
 * The URL path of a collection, or of one object and its subresource. The namespace is left out
 * for cluster-scoped resources, and may be left out to name a collection over all namespaces.
 */
export function resourcePath(
  resource: Resource,
  target: {
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  } = {},
): string {
  const root = resource.group === '' ? '/api/v1' : `/apis/${apiVersionOf(resource)}`;
  const scope =
    resource.namespaced && target.namespace !== undefined && target.namespace !== ''
      ? `/namespaces/${encodeURIComponent(target.namespace)}`
      : '';
  const name = target.name === undefined ? '' : `/${encodeURIComponent(target.name)}`;
  const sub = target.subresource === undefined ? '' : `/${target.subresource}`;
  return `${root}${scope}/${resource.plural}${name}${sub}`;
}
