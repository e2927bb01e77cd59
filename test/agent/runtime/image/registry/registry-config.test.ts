/** The file of --registry-config, and the credentials of a request. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { credentialsOf } from '../../../../../agent/runtime/image/registry/credentials.ts';
import {
  endpointsOf,
  parseRegistryConfig,
  withPlainHttp,
} from '../../../../../agent/runtime/image/registry/registry-config.ts';

describe('the registry configuration', () => {
  const urls = (text: string, domain: string) =>
    endpointsOf(parseRegistryConfig(text), domain).map(({ url, caFile, isOrigin }) =>
      [url.href, caFile, isOrigin].filter((part) => part !== undefined).join(' '),
    );

  it('gives the mirrors first, then the registry itself', () => {
    const text = `
registries:
  docker.io:
    mirrors: ['https://m.example/prefix', {url: 'http://10.0.0.5:5000', caFile: /ca.pem}]
  10.128.0.1:5000:
    plainHttp: true
`;
    assert.deepEqual(urls(text, 'docker.io'), [
      'https://m.example/prefix false',
      'http://10.0.0.5:5000/ /ca.pem false',
      'https://registry-1.docker.io/ true',
    ]);
    assert.deepEqual(urls(text, '10.128.0.1:5000'), ['http://10.128.0.1:5000/ true']);
    assert.deepEqual(urls('', 'quay.io'), ['https://quay.io/ true']);
    const plain = withPlainHttp(parseRegistryConfig(text), 'quay.io');
    assert.equal(endpointsOf(plain, 'quay.io')[0]?.url.href, 'http://quay.io/');
  });

  it('is refused by the name of the field that is wrong', () => {
    for (const [text, message] of [
      ['registries: []', /registries is not a map/],
      ['other: {}', /unknown field "other"/],
      ['registries: {a.b: {http: true}}', /registries.a.b has an unknown field "http"/],
      ['registries: {a.b: {plainHttp: yes please}}', /a.b.plainHttp is neither/],
      ['registries: {a.b: {caFile: ca.pem}}', /a.b.caFile is not an absolute path/],
      ['registries: {a.b: {mirrors: [ftp://x]}}', /mirrors\[0\] is neither/],
      ['registries: {a.b: {mirrors: ["https://u:p@x"]}}', /neither a user nor/],
      ['registries: {a.b: {mirrors: [x]}}', /is not a URL/],
    ] as const) {
      assert.throws(() => parseRegistryConfig(text), message);
    }
  });
});

describe('the credentials of a request', () => {
  const auth = {
    username: '',
    password: '',
    auth: '',
    server_address: '',
    identity_token: '',
    registry_token: '',
  };
  const encoded = Buffer.from('ann:se:cret\0').toString('base64');

  it('are those for the registry, in all their forms', () => {
    const password = { kind: 'password', username: 'ann', password: 'se:cret' };
    for (const [fields, expected] of [
      [{ username: 'ann', password: 'se:cret' }, password],
      [{ auth: encoded }, password],
      [{ auth: encoded, server_address: 'https://a.example/v1/' }, password],
      [
        { registry_token: 't', username: 'x' },
        { kind: 'registry-token', token: 't' },
      ],
      [
        { identity_token: 't', username: 'x' },
        { kind: 'identity-token', token: 't' },
      ],
      [{}, { kind: 'anonymous' }],
      [{ auth: encoded, server_address: 'b.example' }, { kind: 'anonymous' }],
      [{ auth: 'AAAA' }, undefined],
    ] as const) {
      assert.deepEqual(credentialsOf({ ...auth, ...fields }, 'a.example'), expected);
    }
    const hub = { ...auth, auth: encoded, server_address: 'https://index.docker.io/v1/' };
    assert.deepEqual(credentialsOf(hub, 'docker.io'), password);
    assert.deepEqual(credentialsOf(null, 'docker.io'), { kind: 'anonymous' });
  });
});
