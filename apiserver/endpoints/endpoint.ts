/** What an endpoint knows: the request, and what its path names. */

import type { Clock } from '../../base/clock.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { ResourceApi } from '../registry/resource-api.ts';
import type { WriteRequest } from '../registry/store-context.ts';
import type { PartSubresource } from '../registry/subresource.ts';
import type { ExpectedBody } from './decode-body.ts';
import type { WriteQuery } from './write-options.ts';

export interface Endpoint {
  readonly request: ApiRequest;
  readonly api: ResourceApi;
  /** Empty for cluster-scoped resources, and for collections over all namespaces. */
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  readonly part: PartSubresource | undefined;
  readonly clock: Clock;
}

/** Who writes here, and how. */
export function writeRequestOf(endpoint: Endpoint, query: WriteQuery): WriteRequest {
  const { request, part } = endpoint;
  return {
    user: request.user,
    fieldManager: query.fieldManager,
    dryRun: query.dryRun,
    subresource: part?.name ?? '',
    warn: (text) => request.warn(text),
  };
}

/** The kind of body that writes to the endpoint have. */
export function expectedBody({ api, part }: Endpoint): ExpectedBody {
  if (part?.body !== undefined) return part.body;
  const { group, version, kind } = api.kind;
  return { group, version, kind, strategy: api.strategy };
}
