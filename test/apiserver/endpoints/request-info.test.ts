import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestInfo } from '../../../apiserver/endpoints/request-info.ts';

const NONE = { namespace: '', name: '', subresource: '', subpath: '' };

function of(method: string, url: string): unknown {
  const [path = '', query = ''] = url.split('?');
  const { kind, ...info } = requestInfo(method, path, new URLSearchParams(query));
  return kind === 'resource' ? info : kind;
}

describe('requestInfo', () => {
  const pods = { ...NONE, group: '', version: 'v1', plural: 'pods' };
  const cases: [string, string, unknown][] = [
    ['GET', '/api/v1/pods', { ...pods, verb: 'list' }],
    ['GET', '/api/v1/pods?watch=true', { ...pods, verb: 'watch' }],
    ['GET', '/api/v1/pods?watch=false', { ...pods, verb: 'list' }],
    ['GET', '/api/v1/watch/pods', { ...pods, verb: 'watch' }],
    ['HEAD', '/api/v1/namespaces/a/pods/b', { ...pods, verb: 'get', namespace: 'a', name: 'b' }],
    ['POST', '/api/v1/namespaces/a/pods', { ...pods, verb: 'create', namespace: 'a' }],
    ['PUT', '/api/v1/namespaces/a/pods/b', { ...pods, verb: 'update', namespace: 'a', name: 'b' }],
    ['DELETE', '/api/v1/namespaces/a/pods', { ...pods, verb: 'deletecollection', namespace: 'a' }],
    [
      'PATCH',
      '/api/v1/namespaces/a/pods/b/status',
      { ...pods, verb: 'patch', namespace: 'a', name: 'b', subresource: 'status' },
    ],
    [
      'GET',
      '/api/v1/namespaces/a/pods/b/proxy/x/y?watch=1',
      { ...pods, verb: 'get', namespace: 'a', name: 'b', subresource: 'proxy', subpath: '/x/y' },
    ],
    ['GET', '/api/v1/namespaces', { ...pods, plural: 'namespaces', verb: 'list' }],
    ['GET', '/api/v1/namespaces/a', { ...pods, plural: 'namespaces', verb: 'get', name: 'a' }],
    [
      'PUT',
      '/api/v1/namespaces/a/finalize',
      { ...pods, plural: 'namespaces', verb: 'update', name: 'a', subresource: 'finalize' },
    ],
    [
      'GET',
      '/apis/apps/v1/namespaces/a/deployments/b%2Dc',
      {
        ...NONE,
        group: 'apps',
        version: 'v1',
        plural: 'deployments',
        verb: 'get',
        namespace: 'a',
        name: 'b-c',
      },
    ],
    ['GET', '/api', 'path'],
    ['GET', '/api/v1', 'path'],
    ['GET', '/api/v1/', 'path'],
    ['GET', '/apis/apps', 'path'],
    ['GET', '/apis/apps/v1', 'path'],
    ['GET', '/healthz', 'path'],
  ];
  for (const [method, url, expected] of cases) {
    it(`${method} ${url}`, () => assert.deepEqual(of(method, url), expected));
  }

  it('refuses broken escapes', () => {
    assert.throws(() => of('GET', '/api/v1/pods/%zz'), /invalid URL escape/);
  });
});
