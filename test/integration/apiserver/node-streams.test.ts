/** Logs, exec, attach and port-forward through the API server, against a fake agent. */

import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { FakeAgent } from '../../support/fake-agent.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const PODS = '/api/v1/namespaces/default/pods';

describe('logs, exec and attach', () => {
  let server: TestApiServer;
  let agent: FakeAgent;
  before(async () => {
    server = await startTestApiServer();
    agent = new FakeAgent(server.pki);
    const port = await agent.listen();
    await post('/api/v1/namespaces/default/serviceaccounts', {
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
    });
    await post('/api/v1/nodes', { kind: 'Node', metadata: { name: 'n' } });
    await server.send('PATCH', '/api/v1/nodes/n/status', {
      contentType: 'application/merge-patch+json',
      body: {
        status: {
          addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
          daemonEndpoints: { kubeletEndpoint: { Port: port } },
        },
      },
    });
    await pod('p', ['a']);
    await pod('two', ['a', 'b']);
  });
  beforeEach(() => {
    agent.behaviour = {};
    agent.paths.length = 0;
    agent.spdyRequests.length = 0;
  });
  after(async () => {
    await server.stop();
    await agent.stop();
  });

  async function post(path: string, body: object): Promise<void> {
    const { code, text } = await server.send('POST', path, { body: { apiVersion: 'v1', ...body } });
    assert.equal(code, 201, text);
  }

  async function pod(name: string, containers: string[]): Promise<void> {
    await post(PODS, {
      kind: 'Pod',
      metadata: { name },
      spec: { containers: containers.map((one) => ({ name: one, image: 'x:1' })), nodeName: 'n' },
    });
  }

  /** Opens a WebSocket, or resolves to the status and text of the refusal. */
  async function open(path: string): Promise<WebSocket | { code: number; message: string }> {
    const admin = server.clientCertificate('admin', ['system:masters']);
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, 'v5.channel.k8s.io', {
      ca: server.pki.ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
    });
    return new Promise((resolve) => {
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', async (_request, response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve({ code: response.statusCode ?? 0, message: JSON.parse(text).message });
      });
    });
  }

  /** Asks for an upgrade to SPDY; resolves to the connection, or to the message of the refusal. */
  function openSpdy(path: string, more: OutgoingHttpHeaders = {}): Promise<Duplex | string> {
    const admin = server.clientCertificate('admin', ['system:masters']);
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: server.port,
        path,
        method: 'POST',
        headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', ...more },
        ca: server.pki.ca.certificatePem,
        cert: admin.certificatePem,
        key: admin.keyPem,
        agent: false,
      });
      outgoing.on('response', async (response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve(String(JSON.parse(text).message));
      });
      outgoing.on('upgrade', (response, socket) => {
        assert.equal(response.headers['x-stream-protocol-version'], 'v4.channel.k8s.io');
        resolve(socket);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  it('passes a log on as text, with its options', async () => {
    agent.behaviour.log = (_request, response) => response.end('one\ntwo\n');
    const { code, text, headers } = await server.send(
      'GET',
      `${PODS}/p/log?tailLines=2&pretty=true`,
      {
        headers: { Accept: 'application/json, */*' },
      },
    );
    assert.equal(code, 200);
    assert.equal(text, 'one\ntwo\n');
    assert.equal(headers['content-type'], 'text/plain');
    assert.deepEqual(agent.paths, ['/containerLogs/default/p/a?tailLines=2']);
  });

  it('passes a log on while it grows, and lets go of it when the client does', async () => {
    agent.behaviour.log = (_request, response) => {
      response.write('{"line":1}\n');
    };
    const log = await server.watch(`${PODS}/p/log?follow=true`);
    assert.deepEqual(await log.next(), { line: 1 });
    assert.equal(agent.openConnections, 1);
    log.close();
    await eventually('the connection to the agent is closed', () => agent.openConnections === 0);
  });

  it('says in words what the agent refuses', async () => {
    const why = 'container "a" in pod "p" is waiting to start: ContainerCreating';
    agent.behaviour.log = (_request, response) => {
      response.writeHead(400).end(why);
    };
    const { code, body } = await server.send('GET', `${PODS}/p/log`);
    assert.equal(code, 400);
    assert.equal(body.message, why);
    assert.equal(body.reason, 'BadRequest');
  });

  it('wants to know which container of several', async () => {
    const { code, body } = await server.send('GET', `${PODS}/two/log`);
    assert.equal(code, 400);
    assert.equal(
      body.message,
      'a container name must be specified for pod two, choose one of: [a b]',
    );
    assert.deepEqual(agent.paths, []);
  });

  it('copies a WebSocket both ways, with its subprotocol and how it was closed', async () => {
    agent.behaviour.command = (socket, asked) => {
      assert.equal(asked.headers.authorization, undefined);
      socket.send('hello');
      socket.on('message', (data) => {
        socket.send(`got ${String(data)}`);
        socket.close(1000, 'done');
      });
    };
    const socket = await open(`${PODS}/p/exec?command=ls&command=-l&stdout=true&container=a`);
    assert.ok(socket instanceof WebSocket);
    assert.equal(socket.protocol, 'v5.channel.k8s.io');
    const messages: string[] = [];
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('message', (data) => {
      messages.push(String(data));
      if (messages.length === 1) socket.send('x'.repeat(100_000));
    });
    assert.equal(await closed, 1000);
    assert.equal(messages[1]?.length, 100_004);
    assert.deepEqual(agent.paths, ['/exec/default/p/a?command=ls&command=-l&stdout=true']);
    await eventually('the connection to the agent is closed', () => agent.openConnections === 0);
  });

  it("closes the agent's side when the client goes away", async () => {
    const socket = await open(`${PODS}/p/attach?stdout=true`);
    assert.ok(socket instanceof WebSocket);
    assert.equal(agent.openConnections, 1);
    socket.terminate();
    await eventually('the connection to the agent is closed', () => agent.openConnections === 0);
  });

  it('tells why an upgrade was refused, also to the client that repeats it over SPDY', async () => {
    agent.behaviour.refuseUpgrade = { code: 500, text: 'container not found ("a")' };
    const path = `${PODS}/p/exec?command=ls&stdout=true`;
    const message = 'Internal error occurred: container not found ("a")';
    assert.deepEqual(await open(path), { code: 500, message });
    assert.equal(await openSpdy(path), message);
  });

  it('copies SPDY both ways, with what the client offers, to the last byte', async () => {
    const last = Buffer.alloc(3 * 2 ** 20, 'x');
    agent.behaviour.spdy = {
      protocol: 'v4.channel.k8s.io',
      serve: (socket) => {
        socket.once('data', (data) => {
          socket.write(`got ${String(data)}`);
          socket.end(last);
        });
      },
    };
    const offered = ['v4.channel.k8s.io', 'v3.channel.k8s.io'];
    for (const path of [
      `${PODS}/p/exec?command=ls&stdout=true`,
      `${PODS}/p/attach?stdout=true`,
      `${PODS}/p/portforward`,
    ]) {
      const socket = await openSpdy(path, { 'X-Stream-Protocol-Version': offered, Cookie: 'x=y' });
      assert.ok(typeof socket !== 'string', String(socket));
      socket.write('hello');
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      assert.equal(text.slice(0, 9), 'got hello');
      assert.equal(text.length, 9 + last.length);
    }
    assert.deepEqual(agent.paths, [
      '/exec/default/p/a?command=ls&stdout=true',
      '/attach/default/p/a?stdout=true',
      '/portForward/default/p',
    ]);
    for (const { method, headers, headersDistinct } of agent.spdyRequests) {
      assert.equal(method, 'POST');
      assert.equal(headers.cookie, undefined);
      const names = headersDistinct['x-stream-protocol-version']?.join(', ');
      assert.equal(names, offered.join(', '));
    }
    await eventually('the connections to the agent are closed', () => agent.openConnections === 0);
  });

  it('passes on the ports of a WebSocket, and no token that came as a subprotocol', async () => {
    let offered = '';
    agent.behaviour.command = (socket, asked) => {
      offered = asked.headers['sec-websocket-protocol'] ?? '';
      socket.close(1000);
    };
    const admin = server.clientCertificate('admin', ['system:masters']);
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('x').toString('base64url')}`;
    const url = `wss://127.0.0.1:${server.port}${PODS}/p/portforward?ports=80,81&ports=82`;
    const identity = {
      ca: server.pki.ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
    };
    const refused = new WebSocket(url, ['v4.channel.k8s.io', token], identity);
    const outcome = await new Promise((resolve) => {
      refused.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode));
      refused.on('close', () => resolve('closed'));
    });
    // A bearer token that is none is no credential, whatever the certificate says.
    assert.equal(outcome, 401);
    const socket = new WebSocket(url, ['v4.channel.k8s.io', 'other'], identity);
    await new Promise((resolve) => socket.on('close', resolve));
    assert.equal(offered, 'v4.channel.k8s.io, other');
    assert.deepEqual(agent.paths, ['/portForward/default/p?port=80&port=81&port=82']);
  });

  it('refuses other upgrades and wrong ports', async () => {
    const other = await openSpdy(`${PODS}/p/portforward`, { Upgrade: 'h2c' });
    assert.equal(other, 'Upgrade request required');
    const wrong = await openSpdy(`${PODS}/p/portforward?ports=0`);
    assert.equal(wrong, '"0" in the query is not a port');
    assert.deepEqual(agent.paths, []);
  });

  it('tells which node can not be reached', async () => {
    await server.send('PATCH', '/api/v1/nodes/n/status', {
      contentType: 'application/merge-patch+json',
      body: { status: { daemonEndpoints: { kubeletEndpoint: { Port: 1 } } } },
    });
    const { code, body } = await server.send('GET', `${PODS}/p/log`);
    assert.equal(code, 500);
    assert.equal(
      body.message,
      'Internal error occurred: cannot reach the agent of node "n" at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    );
  });
});
