import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  type Response,
  startTestApiServer,
  type TestApiServer,
} from '../../support/test-api-server.ts';

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

function owners(response: Response): [string, string][] {
  return response.body.metadata.managedFields.map((entry: Entry) => [
    entry.manager,
    entry.operation,
  ]);
}

describe('server-side apply and managedFields', () => {
  let server: TestApiServer;
  let count = 0;
  let path = '';

  const apply = (data: Record<string, string>, manager: string, query = ''): Promise<Response> =>
    server.send('PATCH', `${path}?fieldManager=${manager}${query}`, {
      raw: `apiVersion: v1\nkind: ConfigMap\ndata: ${JSON.stringify(data)}\n`,
      contentType: 'application/apply-patch+yaml',
    });

  before(async () => {
    server = await startTestApiServer();
  });
  after(() => server.stop());
  beforeEach(() => {
    count += 1;
    path = `${CONFIGMAPS}/applied-${count}`;
  });

  it('creates what is missing, and says who owns what', async () => {
    const made = await apply({ a: '1' }, 'me');
    assert.equal(made.code, 201, made.text);
    const [entry] = made.body.metadata.managedFields;
    assert.equal(entry.manager, 'me');
    assert.equal(entry.operation, 'Apply');
    assert.equal(entry.apiVersion, 'v1');
    assert.equal(entry.fieldsType, 'FieldsV1');
    assert.deepEqual(entry.fieldsV1, { 'f:data': { 'f:a': {} } });
  });

  it('writes nothing when nothing changes', async () => {
    const made = await apply({ a: '1' }, 'me');
    const again = await apply({ a: '1' }, 'me');
    assert.equal(again.code, 200);
    assert.equal(again.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
  });

  it('removes what its manager no longer names', async () => {
    await apply({ a: '1', b: '2' }, 'me');
    const { body } = await apply({ b: '2' }, 'me');
    assert.deepEqual(body.data, { b: '2' });
  });

  it('refuses what another manager owns, unless forced', async () => {
    await apply({ a: '1' }, 'me');
    const refused = await apply({ a: '2' }, 'you');
    assert.equal(refused.code, 409);
    assert.equal(refused.body.reason, 'Conflict');
    assert.deepEqual(refused.body.details.causes, [
      { reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.data.a' },
    ]);
    const forced = await apply({ a: '2' }, 'you', '&force=true');
    assert.equal(forced.code, 200);
    assert.deepEqual(forced.body.data, { a: '2' });
    assert.deepEqual(owners(forced), [['you', 'Apply']]);
  });

  it('needs a manager, and forces nothing else', async () => {
    const nobody = await server.send('PATCH', path, {
      raw: '{"apiVersion":"v1","kind":"ConfigMap"}',
      contentType: 'application/apply-patch+yaml',
    });
    assert.equal(nobody.code, 422);
    assert.match(nobody.body.message, /fieldManager: Required value: is required for apply patch/);
    const merge = await server.send('PATCH', `${path}?force=true`, {
      body: {},
      contentType: 'application/merge-patch+json',
    });
    assert.equal(merge.code, 422);
  });

  it('refuses managedFields and unknown fields in the configuration', async () => {
    const send = (body: object): Promise<Response> =>
      server.send('PATCH', `${path}?fieldManager=me&fieldValidation=Strict`, {
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...body },
        contentType: 'application/apply-patch+yaml',
      });
    const managed = await send({ metadata: { managedFields: [{ manager: 'x' }] } });
    assert.equal(managed.code, 400);
    assert.equal(managed.body.message, 'metadata.managedFields must be nil');
    assert.equal((await send({ foo: 1 })).code, 400);
  });

  it('stores nothing in a dry run', async () => {
    assert.equal((await apply({ a: '1' }, 'me', '&dryRun=All')).code, 201);
    assert.equal((await server.send('GET', path)).code, 404);
  });

  it('tracks ordinary writes by their User-Agent and by subresource', async () => {
    const name = `applied-${count}`;
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', image: 'x' }] },
    };
    const made = await server.send('POST', deployments, {
      body: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name },
        spec: { selector: { matchLabels: { a: 'b' } }, template },
      },
      headers: { 'user-agent': 'maker/v1 (linux)' },
    });
    assert.deepEqual(owners(made), [['maker', 'Update']]);
    assert.ok(
      'k:{"name":"c"}' in
        made.body.metadata.managedFields[0].fieldsV1['f:spec']['f:template']['f:spec'][
          'f:containers'
        ],
    );
    const status = await server.send(
      'PATCH',
      `${deployments}/${name}/status?fieldManager=controller`,
      {
        body: { status: { replicas: 1 }, spec: { replicas: 7 } },
        contentType: 'application/merge-patch+json',
      },
    );
    assert.equal(status.code, 200);
    assert.equal(status.body.spec.replicas, 1);
    assert.equal(status.body.status.replicas, 1);
    assert.equal(status.body.metadata.generation, 1);
    const entry = status.body.metadata.managedFields.find(
      (one: Entry) => one.manager === 'controller',
    );
    assert.equal(entry.subresource, 'status');
    const scaled = await server.send('PATCH', `${deployments}/${name}/scale`, {
      body: { spec: { replicas: 3 } },
      contentType: 'application/merge-patch+json',
    });
    assert.equal(scaled.code, 200);
    assert.equal(scaled.body.kind, 'Scale');
    assert.equal(scaled.body.spec.replicas, 3);
    const { body } = await server.send('GET', `${deployments}/${name}`);
    assert.equal(body.spec.replicas, 3);
    assert.equal(body.status.replicas, 1);
    assert.equal(body.metadata.generation, 2);
  });

  it('lets a client rewrite managedFields by a JSON patch, on the version it has seen', async () => {
    await server.send('POST', `${CONFIGMAPS}?fieldManager=kubectl-client-side-apply`, {
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `applied-${count}` },
        data: { a: '1' },
      },
    });
    const { body } = await server.send('GET', path);
    const [entry] = body.metadata.managedFields;
    const managedFields = [{ ...entry, manager: 'kubectl', operation: 'Apply' }];
    const migrate = (resourceVersion: string): Promise<Response> =>
      server.send('PATCH', path, {
        body: [
          { op: 'replace', path: '/metadata/managedFields', value: managedFields },
          { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
        ],
        contentType: 'application/json-patch+json',
      });
    assert.equal((await migrate('1')).code, 409);
    const migrated = await migrate(body.metadata.resourceVersion);
    assert.equal(migrated.code, 200);
    assert.deepEqual(owners(migrated), [['kubectl', 'Apply']]);
  });

  it('gives nobody what the server assigns, so that an applier need not name it', async () => {
    const services = '/api/v1/namespaces/default/services';
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `assigned-${count}` },
      spec: { ports: [{ port: 80 }] },
    };
    const made = await server.send('POST', `${services}?fieldManager=kubectl`, { body: service });
    assert.equal(made.code, 201, made.text);
    const [entry] = made.body.metadata.managedFields;
    assert.equal('f:clusterIP' in entry.fieldsV1['f:spec'], false);
    assert.ok('f:ports' in entry.fieldsV1['f:spec']);
    const named = `${services}/assigned-${count}`;
    const managedFields = [{ ...entry, operation: 'Apply' }];
    const migrated = await server.send('PATCH', named, {
      body: [{ op: 'replace', path: '/metadata/managedFields', value: managedFields }],
      contentType: 'application/json-patch+json',
    });
    assert.equal(migrated.code, 200, migrated.text);
    const applied = await server.send('PATCH', `${named}?fieldManager=kubectl`, {
      body: { ...service, spec: { ports: [{ port: 81 }] } },
      contentType: 'application/apply-patch+yaml',
    });
    assert.equal(applied.code, 200, applied.text);
    assert.equal(applied.body.spec.clusterIP, made.body.spec.clusterIP);
    assert.equal(applied.body.spec.ports.length, 1);
  });
});
