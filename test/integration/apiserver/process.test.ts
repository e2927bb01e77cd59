/** The API server as a process: it starts, ends when told to, and loses nothing when it is killed. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  type ClusterPki,
  ensureClusterPki,
  issueClientCertificate,
} from '../../../apiserver/auth/pki.ts';
import { runCommand } from '../../support/run-command.ts';

const MAIN = path.resolve('apiserver/main.ts');
const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';
/** Writes that are under way while the server is killed. */
const WRITES = 400;
const IN_FLIGHT = 32;

describe('the process of the API server', () => {
  let dir = '';
  let pki: ClusterPki;
  let server: ChildProcess | undefined;
  let agent: Agent;
  let port = 0;

  async function start(): Promise<void> {
    const flags = ['--pki-dir', path.join(dir, 'pki'), '--data-dir', path.join(dir, 'data')];
    server = spawn(process.execPath, [MAIN, ...flags, '--secure-port', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    assert.ok(server.stderr !== null);
    for await (const line of createInterface(server.stderr)) {
      const found = /"Started serving".*"port":(\d+)/.exec(line)?.[1];
      if (found === undefined) continue;
      port = Number(found);
      return;
    }
    assert.fail('The server did not start');
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (server === undefined || server.exitCode !== null) return null;
    const exit = once(server, 'exit');
    server.kill(signal);
    const [code] = await exit;
    server = undefined;
    return code;
  }

  /** The code of the answer; rejects when the connection is lost. */
  function send(method: string, target: string, body?: object): Promise<number> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': 'application/json', 'content-length': text.length };
      const options = { agent, host: '127.0.0.1', port, method, path: target, headers };
      const sent = request(options, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'skt-server-process-'));
    pki = await ensureClusterPki(path.join(dir, 'pki'), { sans: [], nowMs: Date.now() });
    const identity = { user: 'admin', groups: ['system:masters'] };
    const client = issueClientCertificate(pki.ca, identity, Date.now());
    agent = new Agent({
      keepAlive: true,
      ca: pki.ca.certificatePem,
      cert: client.certificatePem,
      key: client.keyPem,
    });
  });
  afterEach(async () => {
    agent.destroy();
    await end('SIGKILL');
    await rm(dir, { recursive: true });
  });

  it('ends with code 0 when it is told to, also with a watch open', async () => {
    await start();
    const watch = send('GET', `${CONFIGMAPS}?watch=true`);
    assert.equal(await send('GET', '/readyz'), 200);
    assert.equal(await end('SIGTERM'), 0);
    assert.equal(await watch, 200);
  });

  it('loses no acknowledged write when it is killed', async () => {
    await start();
    const acknowledged = new Set<number>();
    let next = 0;
    const write = async (): Promise<void> => {
      while (next < WRITES) {
        const index = next;
        next += 1;
        const body = { metadata: { name: `cm-${index}` }, data: { index: String(index) } };
        assert.equal(await send('POST', CONFIGMAPS, body), 201);
        acknowledged.add(index);
        if (acknowledged.size === WRITES / 4) await end('SIGKILL');
      }
    };
    const writers = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, write));
    assert.ok(writers.some(({ status }) => status === 'rejected'));
    assert.ok(acknowledged.size >= WRITES / 4 && acknowledged.size < WRITES);
    await start();
    for (const index of acknowledged) {
      assert.equal(await send('GET', `${CONFIGMAPS}/cm-${index}`), 200, `cm-${index}`);
    }
  });

  it('ends with code 1, and says why once, when its store fails', async () => {
    await start();
    assert.ok(server?.stderr !== null && server !== undefined);
    const lines: string[] = [];
    createInterface(server.stderr).on('line', (line) => lines.push(line));
    const closed = once(server, 'close');
    await rm(path.join(dir, 'data'), { recursive: true });
    const [code] = await closed;
    assert.equal(code, 1);
    const errors = lines.filter((line) => /"level":"error"/.test(line));
    assert.match(errors.join('\n'), /Ended with a failure.*was removed or replaced/);
    assert.equal(errors.length, 1);
    // As the supervisor does.
    await start();
    assert.equal(await send('GET', '/readyz'), 200);
  });

  it('says what is wrong with its flags', async () => {
    const { code, stderr } = await runCommand(process.execPath, [MAIN, '--data-dir', dir]);
    assert.equal(code, 2);
    assert.match(stderr, /skiff apiserver: --pki-dir is needed\nusage: skiff apiserver/);
  });

  it('says that its address is taken, and ends', async () => {
    await start();
    const flags = ['--pki-dir', path.join(dir, 'pki'), '--data-dir', path.join(dir, 'other')];
    const second = await runCommand(process.execPath, [MAIN, ...flags, '--secure-port', `${port}`]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /EADDRINUSE/);
  });
});
