/** Everything that the product serves. */

import { admissionPlugins } from '../admission/plugins/plugins.ts';
import { DiscoveryEndpoint } from '../discovery/endpoint.ts';
import { OpenApiEndpoint } from '../openapi/endpoint.ts';
import { schemaSource } from '../openapi/schema-source.ts';
import type { ApiDefinition, ApiDependencies } from './api-definition.ts';
import { strategies, views } from './strategies/catalog.ts';
import { subresources, virtualResources } from './subresources/catalog.ts';

export function apiDefinition(dependencies: ApiDependencies): ApiDefinition {
  const { clock, serviceCidr, random } = dependencies;
  return {
    strategies,
    views,
    virtualResources: virtualResources(dependencies),
    subresources: subresources(dependencies),
    rawEndpoints: [new DiscoveryEndpoint(), new OpenApiEndpoint(schemaSource)],
    admission: admissionPlugins({
      clock,
      serviceCidr,
      randomSuffix: () => random.suffix(5),
      random: random.fraction,
    }),
  };
}
