/** Exec and attach over WebSocket, as kubectl does them. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { until } from '../../support/cri-pods.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';
import { openSpdy } from '../../support/spdy-client.ts';

const V5 = 'v5.channel.k8s.io';

type Target = Awaited<ReturnType<RuntimeNode['reachable']>>;

/** So that a session that hangs fails its test, and what was made is removed. */
const patience = () => ({ signal: AbortSignal.timeout(30_000) });

/** A client that keeps what each channel said. */
class Session {
  readonly socket: WebSocket;
  readonly output = ['', '', '', '', ''];
  closeCode: number | undefined;

  constructor(target: Target, protocol: string) {
    this.socket = new WebSocket(`ws+unix:${target.socketPath}:${target.path}`, protocol);
    this.socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? 0;
      this.output[channel] = `${this.output[channel] ?? ''}${data.subarray(1).toString()}`;
    });
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open', patience());
    return this;
  }

  send(channel: number, text: string): void {
    this.socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  }

  async ended(): Promise<void> {
    if (this.closeCode === undefined) await once(this.socket, 'close', patience());
  }

  get status() {
    return JSON.parse(this.output[3] ?? '');
  }
}

describe('streaming', () => {
  let node: RuntimeNode;
  let sandbox: string;
  let container: string;

  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
    container = await node.startContainer(sandbox, ['sleep', '1000']);
  });
  after(async () => {
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    await node.close();
  });

  /** The streaming server listens inside the node's network namespace. */
  async function exec(
    cmd: readonly string[],
    changes: object = {},
    protocol = V5,
  ): Promise<Session> {
    const streams = { stdin: false, stdout: true, stderr: true, tty: false, ...changes };
    const { url } = await node.client.exec({ container_id: container, cmd, ...streams });
    return new Session(await node.reachable(url), protocol).opened();
  }

  for (const protocol of [V5, 'v4.channel.k8s.io']) {
    it(`carries output and the exit code over ${protocol}`, async () => {
      const session = await exec(['sh', '-c', 'echo out; echo err >&2; exit 7'], {}, protocol);
      await session.ended();
      assert.equal(session.socket.protocol, protocol);
      assert.deepEqual(session.output.slice(1, 3), ['out\n', 'err\n']);
      assert.equal(session.status.reason, 'NonZeroExitCode');
      assert.deepEqual(session.status.details.causes, [{ reason: 'ExitCode', message: '7' }]);
      assert.equal(session.closeCode, 1000);
    });
  }

  it('carries input, and its end', async () => {
    const session = await exec(['cat'], { stdin: true });
    session.send(0, 'hello ');
    session.send(0, 'world');
    session.socket.send(Buffer.from([255, 0]));
    await session.ended();
    assert.equal(session.output[1], 'hello world');
    assert.equal(session.status.status, 'Success');
  });

  it('gives a terminal with the size that the client has', async () => {
    const session = await exec(['sh'], { stdin: true, stderr: false, tty: true });
    session.send(4, '{"Width":91,"Height":17}\n');
    session.send(0, 'stty size; exit 4\n');
    await session.ended();
    assert.match(session.output[1] ?? '', /17 91/);
    assert.deepEqual(session.status.details.causes, [{ reason: 'ExitCode', message: '4' }]);
  });

  it('gives the terminal its size before the program starts', async () => {
    const session = await exec(['stty', 'size'], { stdin: true, stderr: false, tty: true });
    session.send(0, 'a key');
    session.send(4, '{"Width":91,"Height":17}\n');
    await session.ended();
    assert.match(session.output[1] ?? '', /17 91\r\n/);
  });

  it('starts a program in a terminal whose size nobody tells, and loses no early input', async () => {
    const silent = await exec(['stty', 'size'], { stderr: false, tty: true });
    await silent.ended();
    assert.equal((silent.output[1] ?? '').trim(), '0 0');
    const typed = await exec(['sh'], { stdin: true, stderr: false, tty: true });
    typed.send(0, 'echo a$((1 + 1))b; ');
    typed.send(0, 'exit 3\n');
    await typed.ended();
    assert.match(typed.output[1] ?? '', /a2b/);
    assert.deepEqual(typed.status.details.causes, [{ reason: 'ExitCode', message: '3' }]);
  });

  it('carries much output unharmed', async () => {
    const bytes = 8 * 2 ** 20;
    const session = await exec(['head', '-c', String(bytes), '/dev/zero']);
    await session.ended();
    assert.equal(session.output[1]?.length, bytes);
    assert.equal(session.status.status, 'Success');
  });

  it('tells what could not be started', async () => {
    const session = await exec(['/no/such/program']);
    await session.ended();
    assert.equal(session.status.reason, 'InternalError');
    assert.match(session.status.message, /no\/such\/program/);
  });

  it('ends the program when the client goes', async () => {
    const session = await exec(['sh', '-c', 'echo $$; exec sleep 4321'], { stdin: true });
    await until('it runs', async () => session.output[1] !== '');
    session.socket.terminate();
    await until('it is gone', async () => {
      const { stdout } = await node.client.execSync({
        container_id: container,
        cmd: ['ps', '-e', '-o', 'args='],
      });
      return !stdout.toString().includes('4321');
    });
  });

  it('attaches to a running container', async () => {
    const id = await node.startContainer(sandbox, ['cat'], {
      metadata: { name: 'cat', attempt: 0 },
      stdin: true,
      stdin_once: true,
    });
    const streams = { stdin: true, stdout: true, stderr: true, tty: false };
    const { url } = await node.client.attach({ container_id: id, ...streams });
    const session = await new Session(await node.reachable(url), V5).opened();
    session.send(0, 'to cat\n');
    await until('it answers', async () => session.output[1] === 'to cat\n');
    session.socket.send(Buffer.from([255, 0]));
    await session.ended();
    assert.equal(session.status.status, 'Success');
    assert.equal((await node.waitForExit(id)).exit_code, 0);
  });

  it('refuses what it cannot do, in words', async () => {
    const both = { container_id: container, cmd: ['sh'], tty: true, stdout: true, stderr: true };
    await assert.rejects(node.client.exec(both), { code: 'INVALID_ARGUMENT' });
    const none = { container_id: container, cmd: ['sh'] };
    await assert.rejects(node.client.exec(none), { code: 'INVALID_ARGUMENT' });
    const { url } = await node.client.exec({
      container_id: container,
      cmd: ['true'],
      stdout: true,
    });
    const reachable = await node.reachable(url);
    const other = await upgrade(reachable, { Upgrade: 'h2c' });
    assert.deepEqual([other.code, /SPDY\/3\.1 or WebSocket/.test(other.text)], [400, true]);
    const unknown = await openSpdy(reachable, ['v9.channel.k8s.io']);
    assert.ok('code' in unknown);
    assert.equal(unknown.code, 403);
    assert.match(unknown.text, /v4\.channel\.k8s\.io/);
    // The URL is still good: nothing has been started.
    const session = await new Session(reachable, V5).opened();
    await session.ended();
    assert.equal(session.status.status, 'Success');
    const again = await upgrade(reachable, {
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': V5,
    });
    assert.equal(again.code, 404);
  });
});

async function upgrade(target: Target, headers: Record<string, string>) {
  const outgoing = request({ ...target, headers: { Connection: 'Upgrade', ...headers } });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { code: response.statusCode as number, text };
}
