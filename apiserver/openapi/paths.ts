/**
 * The least that clients need of OpenAPI: for each kind a path whose PATCH names the kind and takes
 * `fieldValidation`. kubectl then leaves validation to the server. No schemas, so `explain` finds
 * nothing.
 */

import type { ServedApi } from '../registry/served-api.ts';
import type { OpenApiSource } from './source.ts';

const INFO = { title: 'Kubernetes', version: 'v1' };
const VALIDATION = {
  name: 'fieldValidation',
  in: 'query',
  description: 'What happens with fields that are unknown or double: Ignore, Warn or Strict.',
  schema: { type: 'string', uniqueItems: true },
};

export const pathsOnly: OpenApiSource = {
  v2: () => ({ swagger: '2.0', info: INFO, paths: {} }),
  v2Protobuf: () => new Uint8Array(),
  v3: (api, group, version) => ({
    openapi: '3.0.0',
    info: INFO,
    paths: Object.fromEntries(
      resourcesOf(api, group, version).map(({ resource }) => {
        const { kind, plural, namespaced } = resource;
        const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
        const scope = namespaced ? '/namespaces/{namespace}' : '';
        const patch = {
          operationId: `patch${kind}`,
          parameters: [VALIDATION],
          responses: { 200: { description: 'OK' } },
          'x-kubernetes-action': 'patch',
          'x-kubernetes-group-version-kind': { group, version, kind },
        };
        return [`${root}${scope}/${plural}/{name}`, { patch }];
      }),
    ),
  }),
};

function resourcesOf(api: ServedApi, group: string, version: string) {
  const found = api.groupVersions.find((one) => one.group === group && one.version === version);
  return found?.resources ?? [];
}
