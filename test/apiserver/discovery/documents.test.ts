import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiscoveryEndpoint } from '../../../apiserver/discovery/endpoint.ts';
import type { Answer } from '../../../apiserver/http/answer.ts';
import type { ApiRequest } from '../../../apiserver/http/api-request.ts';
import type { ServedApi, ServedResource } from '../../../apiserver/registry/served-api.ts';
import type { Subresource } from '../../../apiserver/registry/subresource.ts';
import { deployments, pods } from '../../../proto/api/gen/resources.ts';

const STORED = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const eviction: Subresource = {
  type: 'action',
  resource: pods,
  name: 'eviction',
  verbs: ['create'],
  body: { group: 'policy', version: 'v1', kind: 'Eviction' },
  handle: () => assert.fail('Discovery calls nothing'),
};
const status: Subresource = { type: 'part', resource: deployments, name: 'status' };

function served(
  resource: typeof pods | typeof deployments,
  shortName: string,
  subresource: Subresource,
): ServedResource {
  return {
    resource,
    serving: { kind: 'stored', strategy: {} as never },
    singular: resource.kind.toLowerCase(),
    listKind: `${resource.kind}List`,
    shortNames: [shortName],
    categories: ['all'],
    verbs: STORED,
    subresources: new Map([[subresource.name, subresource]]),
  };
}

const api: ServedApi = {
  groupVersions: [
    { group: '', version: 'v1', resources: [served(pods, 'po', eviction)] },
    { group: 'apps', version: 'v1', resources: [served(deployments, 'deploy', status)] },
  ],
  find: () => undefined,
};

function ask(
  path: string,
  headers: Record<string, string> = {},
): Extract<Answer, { kind: 'bytes' }> {
  const endpoint = new DiscoveryEndpoint();
  assert.ok(endpoint.matches(path));
  const answer = endpoint.handle({ path, headers } as unknown as ApiRequest, api);
  assert.equal(answer.kind, 'bytes');
  return answer as Extract<Answer, { kind: 'bytes' }>;
}

const jsonOf = (answer: { readonly body: string | Uint8Array }): unknown =>
  JSON.parse(String(answer.body));
const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

describe('discovery', () => {
  it('answers the aggregated form to clients that prefer it', () => {
    for (const version of ['v2', 'v2beta1']) {
      const answer = ask('/apis', { accept: `${aggregated(version)},application/json` });
      assert.equal(answer.contentType, aggregated(version));
      assert.equal(answer.headers?.Vary, 'Accept');
      assert.deepEqual(jsonOf(answer), {
        kind: 'APIGroupDiscoveryList',
        apiVersion: `apidiscovery.k8s.io/${version}`,
        metadata: {},
        items: [
          {
            metadata: { name: 'apps', creationTimestamp: null },
            versions: [
              {
                version: 'v1',
                resources: [
                  {
                    resource: 'deployments',
                    responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
                    scope: 'Namespaced',
                    singularResource: 'deployment',
                    verbs: STORED,
                    shortNames: ['deploy'],
                    categories: ['all'],
                    subresources: [
                      {
                        subresource: 'status',
                        responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
                        verbs: ['get', 'patch', 'update'],
                      },
                    ],
                  },
                ],
                freshness: 'Current',
              },
            ],
          },
        ],
      });
    }
  });

  it('takes the version that the client names first', () => {
    const accept = `${aggregated('v3')},${aggregated('v2')},${aggregated('v2beta1')}`;
    assert.equal(ask('/api', { accept }).contentType, aggregated('v2'));
  });

  it('answers the older form to everybody else', () => {
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, */*']) {
      const answer = ask('/apis', accept === undefined ? {} : { accept });
      assert.equal(answer.contentType, 'application/json');
      assert.deepEqual(jsonOf(answer), {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [
          {
            name: 'apps',
            versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
            preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
          },
        ],
      });
    }
  });

  it('lists the resources of a group version, subresources with the kinds of their bodies', () => {
    assert.deepEqual(jsonOf(ask('/api/v1')), {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'v1',
      resources: [
        {
          name: 'pods',
          singularName: 'pod',
          namespaced: true,
          kind: 'Pod',
          verbs: STORED,
          shortNames: ['po'],
          categories: ['all'],
        },
        {
          name: 'pods/eviction',
          singularName: '',
          namespaced: true,
          group: 'policy',
          version: 'v1',
          kind: 'Eviction',
          verbs: ['create'],
        },
      ],
    });
  });

  it('answers 304 to who has the document', () => {
    const { headers } = ask('/api');
    const again = ask('/api', { 'if-none-match': headers?.ETag ?? '' });
    assert.equal(again.code, 304);
    assert.equal(again.body, '');
    assert.equal(again.headers?.ETag, headers?.ETag);
  });

  it('answers 404 in plain text for groups and versions that are not there', () => {
    for (const path of ['/apis/nope', '/apis/apps/v9', '/apis/nope/v1']) {
      const answer = ask(path);
      assert.equal(answer.code, 404);
      assert.equal(answer.body, '404 page not found\n');
    }
  });

  it('leaves paths of objects alone', () => {
    const endpoint = new DiscoveryEndpoint();
    for (const path of ['/api/v1/pods', '/apis/apps/v1/deployments', '/apix', '/version']) {
      assert.equal(endpoint.matches(path), false);
    }
  });
});
