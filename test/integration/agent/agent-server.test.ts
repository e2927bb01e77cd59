import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { AgentServer } from '../../../agent/server/agent-server.ts';
import {
  ensureClusterPki,
  issueClientCertificate,
  issueServingCertificate,
} from '../../../apiserver/auth/pki.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { newPod } from '../../agent/pod-builder.ts';
import { FakeCri } from '../../support/fake-cri.ts';

interface Identity {
  readonly cert?: string;
  readonly key?: string;
}

describe('AgentServer', () => {
  const cri = new FakeCri(systemClock);
  let folder: string;
  let server: AgentServer;
  let port: number;
  let ca: string;
  let admin: Identity;
  let other: Identity;
  let runtime: http.Server;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'skt-agent-'));
    const nowMs = Date.now();
    const pki = await ensureClusterPki(folder, { sans: ['127.0.0.1'], nowMs });
    ca = pki.ca.certificatePem;
    const serving = await issueServingCertificate(folder, pki.ca, {
      ...{ name: 'node-1', sans: ['127.0.0.1'], nowMs },
    });
    const identity = (user: string, groups: readonly string[]): Identity => {
      const made = issueClientCertificate(pki.ca, { user, groups }, nowMs);
      return { cert: made.certificatePem, key: made.keyPem };
    };
    admin = identity('api', ['system:masters']);
    other = identity('someone', ['people']);
    await startContainer();
    server = new AgentServer({
      ...{ host: '127.0.0.1', port: 0, cri: cri.client, clock: systemClock, logger: silentLogger },
      ...{ ca: Buffer.from(ca), pods: () => [newPod()] },
      cert: Buffer.from(serving.certificatePem),
      key: Buffer.from(serving.keyPem),
    });
    port = await server.listen();
    runtime = http.createServer();
    const sockets = new WebSocketServer({ server: runtime, path: '/exec/token' });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`echo ${String(data)}`));
    });
    await new Promise<void>((resolve) => runtime.listen(0, '127.0.0.1', resolve));
    cri.streamUrl = `http://127.0.0.1:${(runtime.address() as AddressInfo).port}/exec/token`;
  });

  after(async () => {
    await server.close();
    runtime.closeAllConnections();
    runtime.close();
    rmSync(folder, { recursive: true });
  });

  async function startContainer(): Promise<void> {
    const labels = {
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.pod.namespace': 'default',
      'io.kubernetes.pod.uid': 'uid-1',
      'io.kubernetes.container.name': 'app',
    };
    const config = { metadata: { uid: 'uid-1' }, labels, log_directory: folder };
    const { pod_sandbox_id } = await cri.client.runPodSandbox({ config });
    const container = { metadata: { name: 'app' }, labels, log_path: 'app/0.log' };
    const made = await cri.client.createContainer({ pod_sandbox_id, config: container });
    await cri.client.startContainer(made);
    mkdirSync(path.join(folder, 'app'));
    writeFileSync(path.join(folder, 'app/0.log'), '2026-01-01T00:00:00Z stdout F hello\n');
  }

  async function get(url: string, identity: Identity = admin, method = 'GET') {
    const request = https.request(`https://127.0.0.1:${port}${url}`, { ca, ...identity, method });
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject).end();
    });
    return { code: answer.statusCode, body: await text(answer) };
  }

  it('lets in only the API server', async () => {
    assert.deepEqual(await get('/healthz'), { code: 200, body: 'ok' });
    assert.equal((await get('/healthz', other)).code, 403);
    await assert.rejects(get('/healthz', {}));
  });

  it('lists the pods of the node', async () => {
    const list = JSON.parse((await get('/pods')).body);
    assert.equal(list.items[0].metadata.name, 'web');
  });

  it('gives logs', async () => {
    assert.deepEqual(await get('/containerLogs/default/web/app'), { code: 200, body: 'hello\n' });
    const stamped = await get('/containerLogs/default/web/app?timestamps=true&tailLines=1');
    assert.equal(stamped.body, '2026-01-01T00:00:00Z hello\n');
  });

  it('says what is wrong', async () => {
    assert.equal((await get('/containerLogs/default/web/app?tailLines=x')).code, 400);
    assert.deepEqual(await get('/containerLogs/default/no/app'), {
      ...{ code: 404, body: 'pod "no" not found\n' },
    });
    const previous = await get('/containerLogs/default/web/app?previous=true');
    assert.equal(previous.code, 400);
    assert.match(previous.body, /previous terminated container "app" in pod "web" not found/);
    assert.match((await get('/containerLogs/default/web/no')).body, /is waiting to start/);
    assert.equal((await get('/nothing')).code, 404);
    assert.equal((await get('/exec/default/web/app', admin, 'POST')).code, 400);
  });

  it('hands an upgraded connection through', async () => {
    const query = 'command=sh&command=-c&input=1&output=1&tty=1&error=1';
    const url = `wss://127.0.0.1:${port}/exec/default/web/app?${query}`;
    const socket = new WebSocket(url, 'v5.channel.k8s.io', { ca, ...admin });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answered = new Promise((resolve) =>
      socket.once('message', (data) => resolve(String(data))),
    );
    socket.send('hi');
    assert.equal(await answered, 'echo hi');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.close();
    await closed;
    const [asked] = cri.streams as {
      cmd: string[];
      tty: boolean;
      stdin: boolean;
      stderr: boolean;
    }[];
    assert.deepEqual(asked?.cmd, ['sh', '-c']);
    assert.deepEqual([asked.tty, asked.stdin, asked.stderr], [true, true, false]);
  });

  it('forwards ports of the sandbox that is ready', async () => {
    cri.streams.length = 0;
    const url = `wss://127.0.0.1:${port}/portForward/default/web?port=80,81&port=82`;
    const socket = new WebSocket(url, 'v4.channel.k8s.io', { ca, ...admin });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.terminate();
    const [sandbox] = cri.sandboxes.keys();
    assert.deepEqual(cri.streams, [{ pod_sandbox_id: sandbox, port: [80, 81, 82] }]);
    const other = new WebSocket(url.replace('/web', '/web/uid-0'), { ca, ...admin });
    const code = await new Promise((resolve) => {
      other.once('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      other.on('error', () => undefined);
    });
    assert.equal(code, 404);
    other.terminate();
    assert.equal((await get('/portForward/default/web')).code, 400);
  });

  it('answers an upgrade that cannot be', async () => {
    const url = `wss://127.0.0.1:${port}/exec/default/no/app?command=sh`;
    const socket = new WebSocket(url, { ca, ...admin });
    const code = await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      socket.on('error', () => undefined);
    });
    assert.equal(code, 404);
    socket.terminate();
  });
});
