import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { issueCertificate } from '../../../apiserver/auth/certificate.ts';
import { issueClientCertificate } from '../../../apiserver/auth/pki.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

describe('HTTP', () => {
  let server: TestApiServer;
  before(async () => {
    server = await startTestApiServer();
  });
  after(() => server.stop());

  it('sends the headers that every answer has', async () => {
    const { headers } = await server.send('GET', '/api/v1/namespaces/default');
    assert.match(String(headers['audit-id']), /^[0-9a-f-]{36}$/);
    assert.equal(headers['cache-control'], 'no-cache, private');
    assert.equal(headers['content-type'], 'application/json');
  });

  it('takes JSON without a Content-Type, YAML, and protobuf', async () => {
    const untyped = await server.send('POST', CONFIGMAPS, {
      body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'untyped' } },
      contentType: '',
    });
    assert.equal(untyped.code, 201);
    const yaml = await server.send('POST', CONFIGMAPS, {
      raw: 'kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n',
      contentType: 'application/yaml',
    });
    assert.equal(yaml.code, 201, yaml.text);
    assert.deepEqual(yaml.body.data, { a: '1' });
    // runtime.Unknown{typeMeta: v1 ConfigMap, raw: ConfigMap{metadata{name: "proto"}, data{a: "1"}}}
    const metadata = [0x0a, 7, 0x0a, 5, ...Buffer.from('proto')];
    const data = [0x12, 6, 0x0a, 1, 0x61, 0x12, 1, 0x31];
    const raw = [...metadata, ...data];
    const type = [0x0a, 2, ...Buffer.from('v1'), 0x12, 9, ...Buffer.from('ConfigMap')];
    const unknown = [0x0a, type.length, ...type, 0x12, raw.length, ...raw];
    const protobuf = await server.send('POST', CONFIGMAPS, {
      raw: Buffer.from([0x6b, 0x38, 0x73, 0, ...unknown]),
      contentType: 'application/vnd.kubernetes.protobuf',
    });
    assert.equal(protobuf.code, 201, protobuf.text);
    assert.equal(protobuf.body.metadata.name, 'proto');
    assert.deepEqual(protobuf.body.data, { a: '1' });
  });

  it('refuses other types of bodies, and bodies that are broken', async () => {
    const text = await server.send('POST', CONFIGMAPS, { raw: 'hello', contentType: 'text/plain' });
    assert.equal(text.code, 415);
    assert.equal(text.body.reason, 'UnsupportedMediaType');
    for (const raw of ['', '{', '[]', 'null', '"x"', `${'['.repeat(1000)}${']'.repeat(1000)}`]) {
      const { code, body } = await server.send('POST', CONFIGMAPS, {
        raw,
        contentType: 'application/json',
      });
      assert.equal(code, 400, raw);
      assert.equal(body.reason, 'BadRequest');
    }
    const proto = await server.send('POST', CONFIGMAPS, {
      raw: '{"__proto__":{"a":1},"metadata":{"name":"x"}}',
    });
    assert.equal(proto.code, 400);
    const protobuf = await server.send('POST', CONFIGMAPS, {
      raw: Buffer.from([1, 2, 3]),
      contentType: 'application/vnd.kubernetes.protobuf',
    });
    assert.equal(protobuf.code, 400);
  });

  it('refuses bodies over 3 MiB, with and without a length', async () => {
    const raw = JSON.stringify({
      metadata: { name: 'big' },
      data: { a: 'x'.repeat(3 * 1024 * 1024) },
    });
    const { code, body } = await server.send('POST', CONFIGMAPS, { raw });
    assert.equal(code, 413);
    assert.equal(body.reason, 'RequestEntityTooLarge');
    assert.equal(body.message, 'Request entity too large: limit is 3145728');
    assert.equal((await server.send('GET', `${CONFIGMAPS}/big`)).code, 404);
  });

  it('compresses long answers when it may', async () => {
    const data = { a: 'x'.repeat(200_000) };
    await server.send('POST', CONFIGMAPS, { body: { metadata: { name: 'long' }, data } });
    const headers = { 'accept-encoding': 'gzip' };
    const long = await server.send('GET', `${CONFIGMAPS}/long`, { headers });
    assert.equal(long.headers['content-encoding'], 'gzip');
    assert.ok(Number(long.headers['content-length']) < 20_000);
    const short = await server.send('GET', '/api/v1/namespaces/default', { headers });
    assert.equal(short.headers['content-encoding'], undefined);
  });

  it('answers paths and methods that there are not', async () => {
    const nothing = await server.send('GET', '/nothing');
    assert.equal(nothing.code, 404);
    assert.equal(nothing.text, '404 page not found\n');
    const group = await server.send('GET', '/apis/none.example/v1/things');
    assert.equal(group.code, 404);
    const resource = await server.send('GET', '/api/v1/things');
    assert.equal(resource.code, 404);
    assert.equal(resource.body.reason, 'NotFound');
    const subresource = await server.send('GET', `${CONFIGMAPS}/a/scale`);
    assert.equal(subresource.code, 404);
    for (const [method, path] of [
      ['POST', `${CONFIGMAPS}/a`],
      ['PUT', CONFIGMAPS],
      ['POST', '/api/v1/configmaps'],
      ['OPTIONS', CONFIGMAPS],
      ['DELETE', '/version'],
    ] as const) {
      const { code, body } = await server.send(method, path, { body: {} });
      assert.equal(code, 405, `${method} ${path}`);
      assert.equal(body.reason, 'MethodNotAllowed');
    }
    assert.equal((await server.send('GET', `${CONFIGMAPS}/%E0%A4%A`)).code, 400);
  });

  it('answers HEAD without a body', async () => {
    const { code, text } = await server.send('HEAD', '/api/v1/namespaces/default');
    assert.equal(code, 200);
    assert.equal(text, '');
  });

  it('survives what is no HTTP, and header lines without end', async () => {
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
    socket.write('this is no HTTP\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 400 .*"kind":"Status"/s);
    const long = await server.send('GET', `/api/v1/namespaces?x=${'y'.repeat(100_000)}`);
    assert.equal(long.code, 431);
    assert.equal((await server.send('GET', '/readyz')).text, 'ok');
  });

  describe('who may', () => {
    it('lets the unknown see health and version only', async () => {
      for (const path of ['/healthz', '/livez', '/readyz', '/version']) {
        assert.equal((await server.send('GET', path, { as: 'none' })).code, 200, path);
      }
      for (const path of ['/api', '/apis', '/api/v1/pods', '/nothing']) {
        const { code, body } = await server.send('GET', path, { as: 'none' });
        assert.equal(code, 401, path);
        assert.equal(body.reason, 'Unauthorized');
        assert.equal(body.message, 'Unauthorized');
      }
    });

    it('refuses certificates of others, and tokens that are none', async () => {
      const otherCa = issueCertificate({
        subject: { commonName: 'other' },
        usage: 'ca',
        days: 1,
        nowMs: Date.now(),
      });
      const stranger = issueClientCertificate(
        otherCa,
        { user: 'admin', groups: ['system:masters'] },
        Date.now(),
      );
      assert.equal((await server.send('GET', '/api/v1/pods', { as: stranger })).code, 401);
      for (const authorization of ['Bearer nonsense', 'Bearer a.b.c', 'Basic YTpi']) {
        const { code } = await server.send('GET', '/api', {
          as: 'none',
          headers: { authorization },
        });
        assert.equal(code, 401, authorization);
      }
    });

    it('tells a known user what they may not, in so many words', async () => {
      const jane = server.clientCertificate('jane', ['dev']);
      assert.equal((await server.send('GET', '/api', { as: jane })).code, 200);
      const list = await server.send('GET', '/api/v1/namespaces/default/pods', { as: jane });
      assert.equal(list.code, 403);
      assert.equal(
        list.body.message,
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
      );
      assert.deepEqual(list.body.details, { kind: 'pods' });
      const status = await server.send(
        'PUT',
        '/apis/apps/v1/namespaces/default/deployments/web/status',
        { as: jane, body: {} },
      );
      assert.equal(
        status.body.message,
        'deployments.apps "web" is forbidden: User "jane" cannot update resource "deployments/status" in API group "apps" in the namespace "default"',
      );
      const nodes = await server.send('GET', '/api/v1/nodes', { as: jane });
      assert.equal(
        nodes.body.message,
        'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
      );
      const path = await server.send('GET', '/metrics', { as: jane });
      assert.equal(path.body.message, 'forbidden: User "jane" cannot get path "/metrics"');
    });

    it('lets administrators act as others', async () => {
      const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'dev' };
      const { code, body } = await server.send('GET', '/api/v1/pods', { headers });
      assert.equal(code, 403);
      assert.match(body.message, /User "jane" cannot list resource "pods"/);
    });

    it('knows service accounts by their tokens while they exist', async () => {
      const accounts = '/api/v1/namespaces/default/serviceaccounts';
      await server.send('POST', accounts, { body: { metadata: { name: 'robot' } } });
      const { code, body } = await server.send('POST', `${accounts}/robot/token`, {
        body: { spec: {} },
      });
      assert.equal(code, 201, JSON.stringify(body));
      const headers = { authorization: `Bearer ${body.status.token}` };
      assert.equal((await server.send('GET', '/api', { as: 'none', headers })).code, 200);
      const denied = await server.send('GET', '/api/v1/pods', { as: 'none', headers });
      assert.equal(denied.code, 403);
      assert.match(denied.body.message, /User "system:serviceaccount:default:robot" cannot list/);
      await server.send('DELETE', `${accounts}/robot`);
      assert.equal((await server.send('GET', '/api', { as: 'none', headers })).code, 401);
    });
  });
});
