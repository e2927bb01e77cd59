import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const BASE = '/api/v1/namespaces/reads/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

interface Named {
  readonly metadata: { readonly name: string };
}

function names(body: { readonly items: readonly Named[] }): string[] {
  return body.items.map((item) => item.metadata.name);
}

describe('reads', () => {
  let server: TestApiServer;

  async function make(name: string, labels: Record<string, string> = {}): Promise<string> {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels } };
    const response = await server.send('POST', BASE, { body });
    assert.equal(response.code, 201, response.text);
    return response.body.metadata.resourceVersion;
  }

  before(async () => {
    server = await startTestApiServer();
    await server.send('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'reads' } },
    });
    for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await make(name, { parity: index % 2 === 0 ? 'even' : 'odd' });
    }
  });
  after(() => server.stop());

  describe('list', () => {
    it('gives all objects, and the version they are of', async () => {
      const { code, body } = await server.send('GET', BASE);
      assert.equal(code, 200);
      assert.equal(body.kind, 'ConfigMapList');
      assert.equal(body.apiVersion, 'v1');
      assert.deepEqual(names(body), ['a', 'b', 'c', 'd', 'e']);
      assert.match(body.metadata.resourceVersion, /^\d+$/);
    });

    it('selects by labels and fields', async () => {
      const by = async (query: string): Promise<string[]> =>
        names((await server.send('GET', `${BASE}?${query}`)).body);
      assert.deepEqual(await by('labelSelector=parity%3Dodd'), ['b', 'd']);
      assert.deepEqual(await by('labelSelector=parity+notin+(odd)'), ['a', 'c', 'e']);
      assert.deepEqual(await by('fieldSelector=metadata.name%3Dc'), ['c']);
      assert.deepEqual(await by('fieldSelector=metadata.name!%3Dc,metadata.namespace%3Dreads'), [
        'a',
        'b',
        'd',
        'e',
      ]);
      const unknown = await server.send('GET', `${BASE}?fieldSelector=spec.x%3D1`);
      assert.equal(unknown.code, 400);
      assert.equal(unknown.body.message, 'field label not supported: spec.x');
    });

    it('gives pages of one version, whatever is written between them', async () => {
      const first = (await server.send('GET', `${BASE}?limit=2`)).body;
      assert.deepEqual(names(first), ['a', 'b']);
      assert.equal(first.metadata.remainingItemCount, 3);
      await make('bb');
      const second = (
        await server.send('GET', `${BASE}?limit=2&continue=${first.metadata.continue}`)
      ).body;
      assert.deepEqual(names(second), ['c', 'd']);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const third = (
        await server.send('GET', `${BASE}?limit=2&continue=${second.metadata.continue}`)
      ).body;
      assert.deepEqual(names(third), ['e']);
      assert.equal(third.metadata.continue, undefined);
      await server.send('DELETE', `${BASE}/bb`);
    });

    it('gives selected pages without a count of what remains', async () => {
      const first = (await server.send('GET', `${BASE}?limit=2&labelSelector=parity%3Deven`)).body;
      assert.deepEqual(names(first), ['a', 'c']);
      assert.equal(first.metadata.remainingItemCount, undefined);
      const second = (
        await server.send(
          'GET',
          `${BASE}?limit=2&labelSelector=parity%3Deven&continue=${first.metadata.continue}`,
        )
      ).body;
      assert.deepEqual(names(second), ['e']);
    });

    it('answers an expired token with 410 and a fresh one', async () => {
      const first = (await server.send('GET', `${BASE}?limit=2`)).body;
      await make('zz');
      await server.storage.compact(await server.storage.currentRevision());
      const gone = await server.send('GET', `${BASE}?limit=2&continue=${first.metadata.continue}`);
      assert.equal(gone.code, 410);
      assert.equal(gone.body.reason, 'Expired');
      const next = await server.send(
        'GET',
        `${BASE}?limit=9&continue=${gone.body.metadata.continue}`,
      );
      assert.deepEqual(names(next.body), ['c', 'd', 'e', 'zz']);
      await server.send('DELETE', `${BASE}/zz`);
    });

    it('reads an exact version, not older than one, and whatever is cached', async () => {
      const version = await make('x1');
      await make('x2');
      const by = async (query: string): Promise<string[]> =>
        names((await server.send('GET', `${BASE}?${query}`)).body);
      const exact = await by(`resourceVersion=${version}&resourceVersionMatch=Exact`);
      assert.ok(exact.includes('x1') && !exact.includes('x2'));
      const newer = await by(`resourceVersion=${version}&resourceVersionMatch=NotOlderThan`);
      assert.ok(newer.includes('x1') && newer.includes('x2'));
      assert.ok((await by('resourceVersion=0&limit=1')).length > 1);
      await server.send('DELETE', `${BASE}/x1`);
      await server.send('DELETE', `${BASE}/x2`);
    });

    it('refuses options that mean nothing together', async () => {
      for (const query of [
        'resourceVersionMatch=Exact',
        'resourceVersion=0&resourceVersionMatch=Exact',
        'resourceVersion=5&resourceVersionMatch=Whatever',
        'sendInitialEvents=true&resourceVersion=1',
        'resourceVersion=1&resourceVersionMatch=NotOlderThan&continue=abc',
      ]) {
        const { code, body } = await server.send('GET', `${BASE}?${query}`);
        assert.equal(code, 422, query);
        assert.match(body.message, /^ListOptions.meta.k8s.io "" is invalid: /);
      }
      assert.equal((await server.send('GET', `${BASE}?limit=x`)).code, 400);
      assert.equal((await server.send('GET', `${BASE}?continue=nonsense`)).code, 400);
      assert.equal((await server.send('GET', `${BASE}?resourceVersion=abc`)).code, 400);
    });

    it('waits for a version to come, and says when it does not', async () => {
      const { code, body, headers } = await server.send('GET', `${BASE}?resourceVersion=999999`);
      assert.equal(code, 504);
      assert.equal(body.reason, 'Timeout');
      assert.equal(body.details.causes[0].reason, 'ResourceVersionTooLarge');
      assert.equal(headers['retry-after'], '1');
    });

    it('reads all namespaces', async () => {
      const { body } = await server.send(
        'GET',
        '/api/v1/configmaps?fieldSelector=metadata.name%3Da',
      );
      assert.deepEqual(names(body), ['a']);
    });
  });

  describe('shapes', () => {
    it('gives a table of a list and of one object', async () => {
      const { headers, body } = await server.send('GET', `${BASE}?limit=1`, {
        headers: { accept: TABLE },
      });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(body.kind, 'Table');
      assert.equal(body.apiVersion, 'meta.k8s.io/v1');
      assert.equal(body.columnDefinitions[0].name, 'Name');
      assert.equal(body.columnDefinitions[0].format, 'name');
      assert.equal(body.rows[0].cells[0], 'a');
      assert.equal(body.rows[0].object.kind, 'PartialObjectMetadata');
      assert.equal(body.rows[0].object.metadata.name, 'a');
      assert.ok(body.metadata.continue);
      const one = await server.send('GET', `${BASE}/b?includeObject=Object`, {
        headers: { accept: TABLE },
      });
      assert.equal(one.body.rows.length, 1);
      assert.equal(one.body.rows[0].object.kind, 'ConfigMap');
      assert.equal(
        one.body.metadata.resourceVersion,
        one.body.rows[0].object.metadata.resourceVersion,
      );
      const wrong = await server.send('GET', `${BASE}?includeObject=Some`, {
        headers: { accept: TABLE },
      });
      assert.equal(wrong.code, 400);
    });

    it('gives errors as a Status whatever was asked for', async () => {
      const { body } = await server.send('GET', `${BASE}/none`, { headers: { accept: TABLE } });
      assert.equal(body.kind, 'Status');
    });

    it('gives metadata alone', async () => {
      const { body } = await server.send('GET', BASE, { headers: { accept: METADATA } });
      assert.equal(body.kind, 'PartialObjectMetadataList');
      assert.deepEqual(Object.keys(body.items[0]).sort(), ['apiVersion', 'kind', 'metadata']);
    });

    it('gives YAML, and refuses what it does not have', async () => {
      const yaml = await server.send('GET', `${BASE}/a`, {
        headers: { accept: 'application/yaml' },
      });
      assert.equal(yaml.headers['content-type'], 'application/yaml');
      assert.match(yaml.text, /^kind: ConfigMap$/m);
      const none = await server.send('GET', `${BASE}/a`, { headers: { accept: 'text/html' } });
      assert.equal(none.code, 406);
      assert.equal(none.body.reason, 'NotAcceptable');
      const protobuf = { accept: 'application/vnd.kubernetes.protobuf,application/json' };
      assert.equal(
        (await server.send('GET', `${BASE}/a`, { headers: protobuf })).body.kind,
        'ConfigMap',
      );
    });
  });
});
