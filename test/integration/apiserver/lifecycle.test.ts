import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const PODS = '/api/v1/namespaces/default/pods';
const MERGE = 'application/merge-patch+json';

function pod(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'skiff/host' }], terminationGracePeriodSeconds: 7 },
  };
}

describe('lives of objects', () => {
  let server: TestApiServer;
  before(async () => {
    server = await startTestApiServer();
    await server.send('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { metadata: { name: 'default' } },
    });
  });
  after(() => server.stop());

  it('a pod is bound once, runs, and is deleted with grace', async () => {
    const { code, text } = await server.send('POST', PODS, { body: pod('web') });
    assert.equal(code, 201, text);
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'web' },
      target: { kind: 'Node', name: 'n1' },
    };
    const bound = await server.send('POST', `${PODS}/web/binding`, { body: binding });
    assert.equal(bound.code, 201, bound.text);
    assert.equal((await server.send('POST', `${PODS}/web/binding`, { body: binding })).code, 409);
    const status = await server.send('PATCH', `${PODS}/web/status`, {
      body: { status: { phase: 'Running' }, spec: { nodeName: 'n2' } },
      contentType: MERGE,
    });
    assert.equal(status.body.status.phase, 'Running');
    assert.equal(status.body.spec.nodeName, 'n1');
    const spec = await server.send('PATCH', `${PODS}/web`, {
      body: { status: { phase: 'Failed' }, metadata: { labels: { a: 'b' } } },
      contentType: MERGE,
    });
    assert.equal(spec.body.status.phase, 'Running');
    const byNode = await server.send('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1');
    assert.equal(byNode.body.items.length, 1);

    const deleted = await server.send('DELETE', `${PODS}/web`);
    assert.equal(deleted.body.kind, 'Pod');
    assert.equal(deleted.body.metadata.deletionGracePeriodSeconds, 7);
    const uid = deleted.body.metadata.uid;
    const final = await server.send('DELETE', `${PODS}/web`, {
      body: { gracePeriodSeconds: 0, preconditions: { uid } },
    });
    assert.equal(final.code, 200);
    assert.equal((await server.send('GET', `${PODS}/web`)).code, 404);
  });

  it('a pod that no node has is deleted at once', async () => {
    await server.send('POST', PODS, { body: pod('early') });
    await server.send('DELETE', `${PODS}/early`);
    assert.equal((await server.send('GET', `${PODS}/early`)).code, 404);
  });

  it('a namespace goes when it has been finalized, and takes nothing new before', async () => {
    const path = '/api/v1/namespaces/short';
    await server.send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'short' } } });
    const deleted = await server.send('DELETE', path);
    assert.equal(deleted.code, 200);
    const { body } = await server.send('GET', path);
    assert.equal(body.status.phase, 'Terminating');
    const refused = await server.send('POST', `${path}/configmaps`, {
      body: { metadata: { name: 'late' } },
    });
    assert.equal(refused.code, 403);
    assert.equal(refused.body.details.causes[0].reason, 'NamespaceTerminating');
    const finalized = await server.send('PUT', `${path}/finalize`, {
      body: { ...body, spec: { finalizers: [] } },
    });
    assert.equal(finalized.code, 200, finalized.text);
    assert.equal((await server.send('GET', path)).code, 404);
  });

  it('an event is one object in two shapes', async () => {
    const base = '/namespaces/default/events';
    const made = await server.send('POST', `/apis/events.k8s.io/v1${base}`, {
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'web.1' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'default-scheduler',
        reportingInstance: 'x',
        action: 'Binding',
        reason: 'Scheduled',
        type: 'Normal',
        note: 'Assigned',
        regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
      },
    });
    assert.equal(made.code, 201, made.text);
    assert.equal(made.body.note, 'Assigned');
    const core = await server.send('GET', `/api/v1${base}?fieldSelector=involvedObject.name%3Dweb`);
    assert.equal(core.body.items[0].message, 'Assigned');
    assert.equal(core.body.items[0].involvedObject.kind, 'Pod');
    assert.equal(core.body.items[0].kind, 'Event');
    const watch = await server.watch(`/apis/events.k8s.io/v1${base}?watch=true`);
    const first = await watch.next();
    assert.equal(first.object.apiVersion, 'events.k8s.io/v1');
    assert.equal(first.object.regarding.name, 'web');
    watch.close();
    const patched = await server.send('PATCH', `/apis/events.k8s.io/v1${base}/web.1`, {
      body: { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } },
      contentType: MERGE,
    });
    assert.equal(patched.code, 200, patched.text);
    const again = await server.send('GET', `/api/v1${base}/web.1`);
    assert.equal(again.body.series.count, 2);
    assert.equal((await server.send('DELETE', `/apis/events.k8s.io/v1${base}/web.1`)).code, 200);
  });

  it('what has been acknowledged is there after the server has ended', async () => {
    const first = await startTestApiServer({ storage: server.storage });
    await first.send('POST', '/api/v1/namespaces/default/configmaps', {
      body: { metadata: { name: 'kept' } },
    });
    await first.stop();
    const second = await startTestApiServer({ storage: server.storage });
    const read = await second.send('GET', '/api/v1/namespaces/default/configmaps/kept');
    assert.equal(read.code, 200);
    await second.stop();
  });
});
