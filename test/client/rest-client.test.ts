import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { systemClock } from '../../base/clock.ts';
import { RestClient } from '../../client/rest-client.ts';
import { configmaps, pods } from '../../proto/api/gen/resources.ts';
import { ApiError, isConflict, isExpired, notFound } from '../../proto/api/status-error.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { type Answer, type FakeServer, json, startFakeServer } from '../support/fake-server.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function setUp(...answers: Answer[]): Promise<{ server: FakeServer; client: RestClient }> {
  const server = await startFakeServer(...answers);
  const client = clientOf(server);
  open.push(server, client);
  return { server, client };
}

function clientOf(server: FakeServer, clock = systemClock, timeoutMs = 30_000): RestClient {
  const connection = { server: server.url, token: 'secret', namespace: 'default' };
  return new RestClient({ connection, clock, userAgent: 'skiff-test', timeoutMs });
}

const target = { namespace: 'default', name: 'x' };

describe('RestClient', () => {
  it('sends the verbs as the API expects them, with credentials', async () => {
    const { server, client } = await setUp(json(200, { metadata: { name: 'x' }, items: [{}] }));
    const metadata = { ...target, uid: 'u', resourceVersion: '1', creationTimestamp: '' };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata } as const;
    await client.get(configmaps, target);
    const list = await client.list(configmaps, { labelSelector: 'a in (b,c)', limit: 5 });
    await client.create(configmaps, object, { fieldManager: 'me', dryRun: true });
    await client.update(configmaps, object, { subresource: 'status' });
    await client.patch(configmaps, target, 'apply', { data: {} }, { force: true });
    await client.delete(configmaps, target, { propagationPolicy: 'Foreground' });
    assert.deepEqual(
      server.requests.map(({ method, url }) => `${method} ${url}`),
      [
        'GET /api/v1/namespaces/default/configmaps/x',
        'GET /api/v1/configmaps?labelSelector=a+in+%28b%2Cc%29&limit=5',
        'POST /api/v1/namespaces/default/configmaps?fieldManager=me&dryRun=All',
        'PUT /api/v1/namespaces/default/configmaps/x/status',
        'PATCH /api/v1/namespaces/default/configmaps/x?force=true',
        'DELETE /api/v1/namespaces/default/configmaps/x',
      ],
    );
    assert.equal(list.items[0]?.kind, 'ConfigMap', 'An item without a kind gets the list’s');
    for (const { headers } of server.requests) {
      assert.equal(headers.authorization, 'Bearer secret');
      assert.equal(headers['user-agent'], 'skiff-test');
    }
    assert.equal(server.requests[4]?.headers['content-type'], 'application/apply-patch+yaml');
    assert.equal(JSON.parse(server.requests[5]?.body ?? '').propagationPolicy, 'Foreground');
  });

  it('throws the Status of a failure, and makes one of a foreign answer', async () => {
    const { client } = await setUp(
      json(409, { kind: 'Status', reason: 'Conflict', message: 'modified', code: 409 }),
      (_request, response) => response.writeHead(404).end('404 page not found'),
    );
    await assert.rejects(client.get(pods, target), (error) => isConflict(error));
    await assert.rejects(client.get(pods, target), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.reason, 'NotFound');
      assert.match(error.message, /404 page not found/);
      return true;
    });
  });

  it('repeats what is answered with Retry-After, after that time, and nothing else', async () => {
    const clock = new FakeClock();
    const server = await startFakeServer(
      json(429, {}, { 'retry-after': '3' }),
      json(503, {}, { 'retry-after': '1' }),
      json(200, { metadata: { name: 'x' } }),
      json(500, {}),
    );
    const client = clientOf(server, clock, 60_000);
    open.push(server, client);
    const answer = client.get(pods, target);
    for (const ms of [3_000, 1_000]) {
      // The deadline of the request is one timer, the wait for the repetition the other.
      while (clock.pending < 2) await settle();
      await clock.advance(ms);
    }
    assert.equal((await answer).metadata.name, 'x');
    await assert.rejects(client.get(pods, target), { code: 500 });
    assert.equal(server.requests.length, 4);
    assert.equal(clock.pending, 0, 'No timer is left');
  });

  it('gives up at the deadline, and at the signal with its reason', async () => {
    const clock = new FakeClock();
    const server = await startFakeServer(() => undefined);
    const client = clientOf(server, clock, 5_000);
    open.push(server, client);
    const late = assert.rejects(client.get(pods, target), /no answer within 5000 ms/);
    while (server.requests.length < 1) await settle();
    await clock.advance(5_000);
    await late;
    const controller = new AbortController();
    const aborted = assert.rejects(client.get(pods, target, controller.signal), /enough/);
    while (server.requests.length < 2) await settle();
    controller.abort(new Error('enough'));
    await aborted;
    await assert.rejects(client.get(pods, target, controller.signal), /enough/);
  });

  it('repeats a GET, but no POST, whose idle connection had been closed', async () => {
    const drop: Answer = (_request, response) => response.socket?.destroy();
    const ok = json(200, { metadata: { name: 'x' } });
    const { server, client } = await setUp(ok, drop, ok, drop);
    await client.get(pods, target);
    await client.get(pods, target);
    assert.equal(server.requests.length, 3);
    await assert.rejects(client.request('POST', '/api/v1/x', {}), { name: 'ConnectionError' });
    assert.equal(server.requests.length, 4);
  });

  it('watches: events in order, over any chunk borders, until the server ends it', async () => {
    const text = ['ADDED', 'MODIFIED', 'DELETED']
      .map((type) => JSON.stringify({ type, object: { kind: 'Pod', metadata: { name: 'é' } } }))
      .join('\n');
    const bytes = Buffer.from(`${text}\n`);
    const { server, client } = await setUp((_request, response) => {
      response.writeHead(200);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    const seen: string[] = [];
    const options = { namespace: 'default', resourceVersion: '5' };
    for await (const event of client.watch(pods, options, new AbortController().signal)) {
      seen.push(`${event.type} ${event.object.metadata.name}`);
    }
    assert.deepEqual(seen, ['ADDED é', 'MODIFIED é', 'DELETED é']);
    assert.equal(
      server.requests[0]?.url,
      '/api/v1/namespaces/default/pods?resourceVersion=5&watch=true',
    );
  });

  it('watches: an ERROR event, a broken connection and the signal end it differently', async () => {
    const { client } = await setUp(
      (_request, response) => {
        const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
        response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      },
      (_request, response) => {
        response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"AD');
        setImmediate(() => response.destroy());
      },
      (_request, response) => response.flushHeaders(),
    );
    const controller = new AbortController();
    const drain = async (): Promise<void> => {
      for await (const _ of client.watch(pods, {}, controller.signal));
    };
    await assert.rejects(drain(), (error) => isExpired(error));
    await assert.rejects(drain(), /watch of .* broke/);
    const pending = assert.rejects(drain(), /enough/);
    await settle();
    controller.abort(new Error('enough'));
    await pending;
  });

  it('streams a body, and throws the Status when there is none', async () => {
    const { client } = await setUp(
      (_request, response) => response.end('line 1\nline 2\n'),
      json(404, notFound(pods, 'x').status),
    );
    let text = '';
    for await (const chunk of await client.stream('GET', '/log')) text += String(chunk);
    assert.equal(text, 'line 1\nline 2\n');
    await assert.rejects(client.stream('GET', '/log'), /pods "x" not found/);
  });

  it('upgrades to a WebSocket, and throws the Status when refused', async () => {
    const { server, client } = await setUp(json(400, { kind: 'Status', message: 'no exec here' }));
    await assert.rejects(client.upgrade('/exec', { protocols: ['v5.channel.k8s.io'] }), /no exec/);
    const sockets = new WebSocketServer({ noServer: true });
    server.server.on('upgrade', (request, socket, head) => {
      assert.equal(request.headers.authorization, 'Bearer secret');
      sockets.handleUpgrade(request, socket, head, (accepted) => accepted.send('hello'));
    });
    const socket = await client.upgrade('/exec', { protocols: ['v5.channel.k8s.io'] });
    const [message] = await new Promise<string[]>((resolve) => {
      socket.once('message', (data) => resolve([String(data)]));
      socket.resume();
    });
    assert.equal(message, 'hello');
    assert.equal(socket.protocol, 'v5.channel.k8s.io');
    socket.terminate();
    sockets.close();
  });
});
