import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  type Response,
  startTestApiServer,
  type TestApiServer,
} from '../../support/test-api-server.ts';

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, data: Record<string, string> = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function assertStatus(response: Response, code: number, reason: string, message?: string): void {
  const { status, kind, apiVersion } = response.body;
  assert.deepEqual(
    { kind, apiVersion, status },
    { kind: 'Status', apiVersion: 'v1', status: 'Failure' },
  );
  assert.equal(response.body.reason, reason, response.text);
  assert.equal(response.code, code);
  assert.equal(response.body.code, code);
  if (message !== undefined) assert.equal(response.body.message, message);
}

describe('the verbs', () => {
  let server: TestApiServer;
  let count = 0;
  let name = '';
  before(async () => {
    server = await startTestApiServer();
  });
  after(() => server.stop());
  beforeEach(() => {
    count += 1;
    name = `thing-${count}`;
  });

  describe('create', () => {
    it('stores the object and fills in what only the server says', async () => {
      const { code, body } = await server.send('POST', CONFIGMAPS, {
        body: {
          ...configMap(name, { a: '1' }),
          metadata: { name, uid: 'mine', creationTimestamp: null },
        },
      });
      assert.equal(code, 201);
      assert.match(body.metadata.uid, /^[0-9a-f]{8}-/);
      assert.match(body.metadata.resourceVersion, /^\d+$/);
      assert.match(body.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(body.metadata.namespace, 'default');
      const read = await server.send('GET', `${CONFIGMAPS}/${name}`);
      assert.equal(read.code, 200);
      assert.deepEqual(read.body, body);
    });

    it('refuses a name that is taken', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      const second = await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      assertStatus(second, 409, 'AlreadyExists', `configmaps "${name}" already exists`);
      assert.deepEqual(second.body.details, { name, kind: 'configmaps' });
    });

    it('makes names from generateName', async () => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: `${name}-` } };
      const first = await server.send('POST', CONFIGMAPS, { body });
      const second = await server.send('POST', CONFIGMAPS, { body });
      assert.match(
        first.body.metadata.name,
        new RegExp(`^${name}-[bcdfghjklmnpqrstvwxz2456789]{5}$`),
      );
      assert.notEqual(first.body.metadata.name, second.body.metadata.name);
    });

    it('refuses what is invalid, and stores nothing', async () => {
      const bad = await server.send('POST', CONFIGMAPS, { body: configMap('Not_A_Name') });
      assertStatus(bad, 422, 'Invalid');
      assert.match(
        bad.body.message,
        /^ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/,
      );
      assert.deepEqual(bad.body.details.causes[0].field, 'metadata.name');
      const long = await server.send('POST', CONFIGMAPS, { body: configMap('a'.repeat(254)) });
      assertStatus(long, 422, 'Invalid');
      const none = await server.send('GET', `${CONFIGMAPS}/Not_A_Name`);
      assertStatus(none, 404, 'NotFound', 'configmaps "Not_A_Name" not found');
    });

    it('refuses another namespace, version or kind in the body', async () => {
      const elsewhere = { ...configMap(name), metadata: { name, namespace: 'other' } };
      assertStatus(
        await server.send('POST', CONFIGMAPS, { body: elsewhere }),
        400,
        'BadRequest',
        'the namespace of the provided object does not match the namespace sent on the request',
      );
      const version = { ...configMap(name), apiVersion: 'v2' };
      assertStatus(
        await server.send('POST', CONFIGMAPS, { body: version }),
        400,
        'BadRequest',
        'the API version in the data (v2) does not match the expected API version (v1)',
      );
      const kind = { ...configMap(name), kind: 'Pod' };
      assertStatus(await server.send('POST', CONFIGMAPS, { body: kind }), 400, 'BadRequest');
    });

    it('refuses a namespace that does not exist', async () => {
      const response = await server.send('POST', '/api/v1/namespaces/nowhere/configmaps', {
        body: configMap(name),
      });
      assertStatus(response, 404, 'NotFound', 'namespaces "nowhere" not found');
    });

    it('refuses, warns of or ignores unknown and duplicate fields', async () => {
      const raw = `{"kind":"ConfigMap","metadata":{"name":"${name}"},"foo":1,"data":{"a":"1","a":"2"}}`;
      const strict = await server.send('POST', `${CONFIGMAPS}?fieldValidation=Strict`, { raw });
      assertStatus(
        strict,
        400,
        'BadRequest',
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "foo"',
      );
      const warned = await server.send('POST', `${CONFIGMAPS}?dryRun=All`, { raw });
      assert.equal(warned.code, 201);
      assert.equal(
        warned.headers.warning,
        '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"foo\\""',
      );
      const ignored = await server.send('POST', `${CONFIGMAPS}?fieldValidation=Ignore`, { raw });
      assert.equal(ignored.code, 201);
      assert.equal(ignored.headers.warning, undefined);
      assert.equal(ignored.body.data.a, '2');
      assertStatus(
        await server.send('POST', `${CONFIGMAPS}?fieldValidation=Maybe`, { raw }),
        422,
        'Invalid',
      );
    });

    it('refuses values of the wrong type', async () => {
      const response = await server.send('POST', CONFIGMAPS, {
        body: { ...configMap(name), data: { a: 1 } },
      });
      assertStatus(response, 400, 'BadRequest');
      assert.match(
        response.body.message,
        /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string/,
      );
    });

    it('stores nothing in a dry run', async () => {
      const dry = await server.send('POST', `${CONFIGMAPS}?dryRun=All`, { body: configMap(name) });
      assert.equal(dry.code, 201);
      assert.equal((await server.send('GET', `${CONFIGMAPS}/${name}`)).code, 404);
      assertStatus(
        await server.send('POST', `${CONFIGMAPS}?dryRun=Some`, { body: configMap(name) }),
        422,
        'Invalid',
      );
    });
  });

  describe('update', () => {
    it('replaces the object, and keeps what only the server says', async () => {
      const { body: made } = await server.send('POST', CONFIGMAPS, {
        body: configMap(name, { a: '1' }),
      });
      const { code, body } = await server.send('PUT', `${CONFIGMAPS}/${name}`, {
        body: { ...configMap(name, { b: '2' }), metadata: { name, labels: { x: 'y' } } },
      });
      assert.equal(code, 200);
      assert.deepEqual(body.data, { b: '2' });
      assert.equal(body.metadata.uid, made.metadata.uid);
      assert.equal(body.metadata.creationTimestamp, made.metadata.creationTimestamp);
      assert.ok(Number(body.metadata.resourceVersion) > Number(made.metadata.resourceVersion));
    });

    it('refuses an older resourceVersion', async () => {
      const { body: made } = await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      await server.send('PUT', `${CONFIGMAPS}/${name}`, { body: configMap(name, { a: '1' }) });
      const stale = await server.send('PUT', `${CONFIGMAPS}/${name}`, {
        body: { ...made, data: { a: '2' } },
      });
      assertStatus(
        stale,
        409,
        'Conflict',
        `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      );
      assert.deepEqual(stale.body.details, { name, kind: 'configmaps' });
    });

    it('writes nothing when nothing changes', async () => {
      const { body: made } = await server.send('POST', CONFIGMAPS, {
        body: configMap(name, { a: '1' }),
      });
      const same = await server.send('PUT', `${CONFIGMAPS}/${name}`, { body: made });
      assert.equal(same.body.metadata.resourceVersion, made.metadata.resourceVersion);
    });

    it('refuses a missing object, another name and another uid', async () => {
      assertStatus(
        await server.send('PUT', `${CONFIGMAPS}/${name}`, { body: configMap(name) }),
        404,
        'NotFound',
      );
      const { body: made } = await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      assertStatus(
        await server.send('PUT', `${CONFIGMAPS}/${name}`, { body: configMap('other') }),
        400,
        'BadRequest',
        `the name of the object (other) does not match the name on the URL (${name})`,
      );
      const uid = { ...made, metadata: { ...made.metadata, resourceVersion: '', uid: 'other' } };
      assertStatus(
        await server.send('PUT', `${CONFIGMAPS}/${name}`, { body: uid }),
        409,
        'Conflict',
      );
    });

    it('lets one of many writers of the same version win', async () => {
      const { body: made } = await server.send('POST', CONFIGMAPS, {
        body: configMap(name, { n: '0' }),
      });
      const writes = await Promise.all(
        Array.from({ length: 16 }, (_, n) =>
          server.send('PUT', `${CONFIGMAPS}/${name}`, {
            body: { ...made, data: { n: String(n + 1) } },
          }),
        ),
      );
      const codes = writes.map(({ code }) => code).sort();
      assert.deepEqual(codes, [200, ...Array.from({ length: 15 }, () => 409)]);
    });

    it('creates leases that are missing', async () => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`;
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name },
        spec: {},
      };
      assert.equal((await server.send('PUT', path, { body })).code, 201);
      assert.equal((await server.send('PUT', path, { body })).code, 200);
    });
  });

  describe('patch', () => {
    const patches: [string, string, unknown, Record<string, string>][] = [
      [
        'json',
        'application/json-patch+json',
        [{ op: 'replace', path: '/data/a', value: '2' }],
        { a: '2', b: '1' },
      ],
      ['merge', 'application/merge-patch+json', { data: { a: null, c: '3' } }, { b: '1', c: '3' }],
      [
        'strategic merge',
        'application/strategic-merge-patch+json; charset=utf-8',
        { data: { a: '5' } },
        { a: '5', b: '1' },
      ],
    ];
    for (const [title, contentType, body, data] of patches) {
      it(`applies a ${title} patch`, async () => {
        await server.send('POST', CONFIGMAPS, { body: configMap(name, { a: '1', b: '1' }) });
        const response = await server.send('PATCH', `${CONFIGMAPS}/${name}`, { body, contentType });
        assert.equal(response.code, 200, response.text);
        assert.deepEqual(response.body.data, data);
      });
    }

    it('refuses a failing test and other types', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name, { a: '1' }) });
      const failing = await server.send('PATCH', `${CONFIGMAPS}/${name}`, {
        body: [{ op: 'test', path: '/data/a', value: 'x' }],
        contentType: 'application/json-patch+json',
      });
      assertStatus(failing, 422, 'Invalid');
      const other = await server.send('PATCH', `${CONFIGMAPS}/${name}`, {
        body: {},
        contentType: 'application/json',
      });
      assertStatus(other, 415, 'UnsupportedMediaType');
      assert.match(
        other.body.message,
        /application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json/,
      );
      const missing = await server.send('PATCH', `${CONFIGMAPS}/nothing`, {
        body: {},
        contentType: 'application/merge-patch+json',
      });
      assertStatus(missing, 404, 'NotFound');
    });

    it('takes a resourceVersion in the patch as the precondition', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      const stale = await server.send('PATCH', `${CONFIGMAPS}/${name}`, {
        body: { metadata: { resourceVersion: '1' }, data: { a: '1' } },
        contentType: 'application/merge-patch+json',
      });
      assertStatus(stale, 409, 'Conflict');
    });

    it('loses no patch of many at once', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      const keys = Array.from({ length: 8 }, (_, n) => `k${n}`);
      const patched = await Promise.all(
        keys.map((key) =>
          server.send('PATCH', `${CONFIGMAPS}/${name}`, {
            body: { data: { [key]: '1' } },
            contentType: 'application/merge-patch+json',
          }),
        ),
      );
      assert.deepEqual(
        patched.map(({ code }) => code),
        keys.map(() => 200),
      );
      const { body } = await server.send('GET', `${CONFIGMAPS}/${name}`);
      assert.deepEqual(Object.keys(body.data).sort(), keys);
    });
  });

  describe('delete', () => {
    it('answers with the uid of what is gone', async () => {
      const { body: made } = await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      const { code, body } = await server.send('DELETE', `${CONFIGMAPS}/${name}`, {
        body: { propagationPolicy: 'Background' },
      });
      assert.equal(code, 200);
      assert.deepEqual(body, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: { name, kind: 'configmaps', uid: made.metadata.uid },
      });
      assertStatus(await server.send('DELETE', `${CONFIGMAPS}/${name}`), 404, 'NotFound');
    });

    it('checks preconditions', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      const uid = await server.send('DELETE', `${CONFIGMAPS}/${name}`, {
        body: { preconditions: { uid: 'other' } },
      });
      assertStatus(uid, 409, 'Conflict');
      const version = await server.send('DELETE', `${CONFIGMAPS}/${name}`, {
        body: { preconditions: { resourceVersion: '1' } },
      });
      assertStatus(version, 409, 'Conflict');
    });

    it('keeps an object with a finalizer until the finalizer is gone', async () => {
      const body = { ...configMap(name), metadata: { name, finalizers: ['example.com/hold'] } };
      await server.send('POST', CONFIGMAPS, { body });
      const held = await server.send('DELETE', `${CONFIGMAPS}/${name}`);
      assert.equal(held.code, 200);
      assert.match(held.body.metadata.deletionTimestamp, /Z$/);
      const added = await server.send('PATCH', `${CONFIGMAPS}/${name}`, {
        body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
        contentType: 'application/merge-patch+json',
      });
      assertStatus(added, 422, 'Invalid');
      const freed = await server.send('PATCH', `${CONFIGMAPS}/${name}`, {
        body: { metadata: { finalizers: null } },
        contentType: 'application/merge-patch+json',
      });
      assert.equal(freed.code, 200);
      assert.equal((await server.send('GET', `${CONFIGMAPS}/${name}`)).code, 404);
    });

    it('puts the propagation policy into finalizers', async () => {
      for (const [policy, finalizer] of [
        ['Foreground', 'foregroundDeletion'],
        ['Orphan', 'orphan'],
      ]) {
        const own = `${name}-${finalizer?.toLowerCase()}`;
        await server.send('POST', CONFIGMAPS, { body: configMap(own) });
        const { body } = await server.send('DELETE', `${CONFIGMAPS}/${own}`, {
          body: { propagationPolicy: policy },
        });
        assert.deepEqual(body.metadata.finalizers, [finalizer]);
      }
      assertStatus(
        await server.send('DELETE', `${CONFIGMAPS}/${name}`, {
          body: { propagationPolicy: 'Never' },
        }),
        422,
        'Invalid',
      );
    });

    it('takes the query when there is no body', async () => {
      await server.send('POST', CONFIGMAPS, { body: configMap(name) });
      assert.equal((await server.send('DELETE', `${CONFIGMAPS}/${name}?dryRun=All`)).code, 200);
      assert.equal((await server.send('GET', `${CONFIGMAPS}/${name}`)).code, 200);
    });

    it('deletes a collection by selector', async () => {
      for (const own of ['x', 'y']) {
        const body = {
          ...configMap(`${name}-${own}`),
          metadata: { name: `${name}-${own}`, labels: { sort: own, test: name } },
        };
        await server.send('POST', CONFIGMAPS, { body });
      }
      const deleted = await server.send(
        'DELETE',
        `${CONFIGMAPS}?labelSelector=test%3D${name},sort%3Dx`,
      );
      assert.equal(deleted.code, 200);
      assert.equal(deleted.body.items.length, 1);
      const left = await server.send('GET', `${CONFIGMAPS}?labelSelector=test%3D${name}`);
      assert.deepEqual(
        left.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
        [`${name}-y`],
      );
    });
  });
});
