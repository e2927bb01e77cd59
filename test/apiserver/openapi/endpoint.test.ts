import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../../apiserver/http/answer.ts';
import type { ApiRequest } from '../../../apiserver/http/api-request.ts';
import { OpenApiEndpoint } from '../../../apiserver/openapi/endpoint.ts';
import { schemaSource } from '../../../apiserver/openapi/schema-source.ts';
import { buildServedApi } from '../../../apiserver/registry/build-served-api.ts';
import { strategies, views } from '../../../apiserver/registry/strategies/catalog.ts';

const api = buildServedApi({
  strategies,
  views,
  virtualResources: [],
  subresources: [],
  rawEndpoints: [],
  admission: [],
});
const endpoint = new OpenApiEndpoint(schemaSource);

function ask(
  url: string,
  headers: Record<string, string> = {},
): Extract<Answer, { kind: 'bytes' }> {
  const { pathname: path, searchParams: query } = new URL(url, 'http://server');
  assert.ok(endpoint.matches(path));
  const answer = endpoint.handle({ path, query, headers } as unknown as ApiRequest, api);
  assert.equal(answer.kind, 'bytes');
  return answer as Extract<Answer, { kind: 'bytes' }>;
}

describe('OpenApiEndpoint', () => {
  it('serves each document of the index at its address, to be kept for good', () => {
    const index = JSON.parse(String(ask('/openapi/v3').body)) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    assert.ok(index.paths['api/v1'] !== undefined && index.paths['apis/apps/v1'] !== undefined);
    for (const { serverRelativeURL } of Object.values(index.paths)) {
      const { code, headers, body } = ask(serverRelativeURL);
      assert.equal(code, 200);
      assert.match(String(headers?.['Cache-Control']), /immutable/);
      const document = JSON.parse(String(body)) as { components: { schemas: object } };
      assert.ok(Object.keys(document.components.schemas).length > 3);
    }
    assert.equal(ask('/openapi/v3/api/v1?hash=old').code, 301);
    assert.equal(ask('/openapi/v3/apis/nobody/v1').code, 404);
  });

  it('serves version 2 in the form that the client takes', () => {
    const type = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const bytes = ask('/openapi/v2', { accept: type });
    assert.ok(bytes.body instanceof Uint8Array && bytes.body.length > 10_000);
    const json = JSON.parse(String(ask('/openapi/v2').body)) as { definitions: object };
    assert.ok('io.k8s.api.core.v1.Pod' in json.definitions);
  });
});
