/** The resources that the product knows from its schema, found by kind; no request is made. */

import * as generated from '../../proto/api/gen/resources.ts';
import { apiVersionOf, type Resource } from '../../proto/api/resource.ts';

const BY_KIND = new Map<string, Resource>(
  Object.values(generated).map((resource) => [
    `${apiVersionOf(resource)}/${resource.kind}`,
    resource,
  ]),
);

/** The resource of a kind, as `apps/v1` and `Deployment`; undefined for one that is not built in. */
export function knownResource(apiVersion: string, kind: string): Resource | undefined {
  return BY_KIND.get(`${apiVersion}/${kind}`);
}
