/** Exec, attach and port-forward over SPDY/3.1 and its tunnel, as kubectl and crictl do them. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { until } from '../../support/cri-pods.ts';
import { eventually } from '../../support/eventually.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';
import {
  openSpdy,
  openTunnel,
  SpdyTestClient,
  type TestStream,
} from '../../support/spdy-client.ts';

const V4 = 'v4.channel.k8s.io';
const FORWARD = 'portforward.k8s.io';
const MIB = 2 ** 20;

/** Reads each connection to its end and then sends everything back. */
const ECHO =
  'use Socket; use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 7000, Listen => 128, ReuseAddr => 1) or die; while (my $c = $s->accept) { if (fork == 0) { local $/; my $all = <$c>; print $c $all; $c->flush; exit } close $c }';
/** Says one line on the IPv6 loopback, and closes. */
const GREETER =
  'use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6); socket(my $s, AF_INET6, SOCK_STREAM, 0) or die; bind($s, pack_sockaddr_in6(7001, inet_pton(AF_INET6, "::1"))) or die; listen($s, 9) or die; while (accept(my $c, $s)) { syswrite $c, "hello\\n"; close $c }';

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('streaming over SPDY', () => {
  let node: RuntimeNode;
  let sandbox: string;
  let container: string;

  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
    const script = `perl -e '${GREETER}' & exec perl -e '${ECHO}'`;
    container = await node.startContainer(sandbox, ['sh', '-c', script]);
  });
  after(async () => {
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    await node.close();
  });

  async function connect(url: string, ...protocols: readonly string[]): Promise<SpdyTestClient> {
    const client = await openSpdy(await node.reachable(url), protocols);
    assert.ok(client instanceof SpdyTestClient, JSON.stringify(client));
    return client;
  }

  async function exec(
    cmd: readonly string[],
    changes: object = {},
    protocols: readonly string[] = [V4],
  ): Promise<{ readonly client: SpdyTestClient; readonly streams: Record<string, TestStream> }> {
    const asked = { stdin: false, stdout: true, stderr: true, tty: false, ...changes };
    const { url } = await node.client.exec({ container_id: container, cmd, ...asked });
    const client = await connect(url, ...protocols);
    const hasResize = asked.tty && protocols[0] === V4;
    const types = { error: true, ...asked, tty: false, resize: hasResize };
    const streams: Record<string, TestStream> = {};
    for (const [type, isAsked] of Object.entries(types)) {
      if (isAsked) streams[type] = await client.open({ streamType: type });
    }
    return { client, streams };
  }

  async function statusOf(client: SpdyTestClient, error: TestStream | undefined) {
    assert.ok(error !== undefined);
    await client.ended(error);
    client.close();
    return JSON.parse(error.received.toString());
  }

  it('carries output and the exit code, in every version', async () => {
    const script = ['sh', '-c', 'echo out; echo err >&2; exit 7'];
    for (const version of [V4, 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']) {
      const { client, streams } = await exec(script, {}, [version]);
      assert.equal(client.protocol, version);
      const { error, stdout, stderr } = streams;
      assert.ok(error && stdout && stderr);
      await Promise.all([error, stdout, stderr].map((stream) => client.ended(stream)));
      assert.ok(error.isReplied && stdout.isReplied && stderr.isReplied);
      assert.deepEqual([String(stdout.received), String(stderr.received)], ['out\n', 'err\n']);
      const told = String(error.received);
      if (version !== V4) assert.equal(told, 'command terminated with exit code 7');
      else assert.equal(JSON.parse(told).details.causes[0].message, '7');
      client.close();
    }
  });

  it('takes the best version of those that are offered', async () => {
    const { url } = await node.client.exec({
      container_id: container,
      cmd: ['true'],
      stdout: true,
    });
    const client = await connect(url, 'v5.channel.k8s.io', 'channel.k8s.io', V4);
    assert.equal(client.protocol, V4);
    client.close();
  });

  it('carries megabytes both ways unharmed, and the end of the input', async () => {
    const data = randomBytes(6 * MIB);
    const { client, streams } = await exec(['cat'], { stdin: true });
    const { stdin, stdout, error } = streams;
    assert.ok(stdin && stdout);
    await client.write(stdin, data);
    client.end(stdin);
    assert.equal((await statusOf(client, error)).status, 'Success');
    assert.equal(sha256(stdout.received), sha256(data));
  });

  it('gives the terminal its size before the program starts', async () => {
    const changes = { stdin: true, stderr: false, tty: true };
    const { client, streams } = await exec(['stty', 'size'], changes);
    const { stdout, resize, error } = streams;
    assert.ok(stdout && resize);
    await client.write(resize, Buffer.from('{"Width":91,"Height":17}\n'));
    assert.equal((await statusOf(client, error)).status, 'Success');
    assert.equal(String(stdout.received).trim(), '17 91');
  });

  it('gives a terminal, and the sizes that the client has, however they are cut', async () => {
    const changes = { stdin: true, stderr: false, tty: true };
    const { client, streams } = await exec(['sh'], changes);
    const { stdin, stdout, resize, error } = streams;
    assert.ok(stdin && stdout && resize);
    await client.write(resize, Buffer.from('{"Width":80,"Height":24}\n{"Wid'));
    await client.write(resize, Buffer.from('th":91,"Height":17}\n'));
    await until('the terminal has the size', async () => {
      await client.write(stdin, Buffer.from('stty size\n'));
      return /17 91/.test(String(stdout.received));
    });
    await client.write(stdin, Buffer.from('exit 4\n'));
    assert.deepEqual((await statusOf(client, error)).details.causes, [
      { reason: 'ExitCode', message: '4' },
    ]);
  });

  it('refuses streams that were not asked for, and those that come twice', async () => {
    const { client, streams } = await exec(['cat'], { stdin: true });
    for (const streamType of ['resize', 'stdout', 'x']) {
      const extra = await client.open({ streamType });
      await client.ended(extra);
      assert.equal(extra.resetStatus, 3, streamType);
    }
    const { stdin, error } = streams;
    assert.ok(stdin);
    client.end(stdin);
    assert.equal((await statusOf(client, error)).status, 'Success');
  });

  it('answers pings, and ends the program when the client goes', async () => {
    const { client, streams } = await exec(['sh', '-c', 'echo $$; exec sleep 4322'], {
      stdin: true,
    });
    client.socket.write(Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 77]));
    await eventually('the answer', () =>
      client.frames.some((frame) => frame.kind === 'ping' && frame.id === 77),
    );
    await eventually('it runs', () => (streams.stdout?.bytes ?? 0) > 0);
    client.close();
    await until('it is gone', async () => {
      const cmd = ['ps', '-e', '-o', 'args='];
      const { stdout } = await node.client.execSync({ container_id: container, cmd });
      return !stdout.toString().includes('4322');
    });
  });

  // CVE-2025-64329: what serves a client must not outlive it, also while the client is not read.
  it('ends programs that read nothing when their clients vanish, over either protocol', async () => {
    const input = Buffer.alloc(4 * MIB);
    const { client, streams } = await exec(['sleep', '4323'], { stdin: true });
    const { stdin } = streams;
    assert.ok(stdin);
    void client.write(stdin, input).catch(() => undefined);
    const asked = { container_id: container, stdin: true, stdout: true };
    const { url } = await node.client.exec({ ...asked, cmd: ['sleep', '4324'] });
    const { socketPath, path } = await node.reachable(url);
    const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, 'v5.channel.k8s.io');
    await once(socket, 'open', { signal: AbortSignal.timeout(30_000) });
    for (let at = 0; at < input.length; at += 32 * 1024) socket.send(Buffer.alloc(32 * 1024));
    const running = async (): Promise<string> => {
      const cmd = ['ps', '-e', '-o', 'args='];
      const { stdout } = await node.client.execSync({ container_id: container, cmd });
      return stdout.toString();
    };
    await until('both run', async () => /4323\n.*4324/.test(await running()));
    client.close();
    socket.terminate();
    await until('both are gone', async () => !/432[34]/.test(await running()));
  });

  it('keeps no memory for output that nobody reads', async () => {
    const { client, streams } = await exec(['head', '-c', '100000000', '/dev/zero']);
    const { stdout } = streams;
    assert.ok(stdout);
    stdout.isKept = false;
    client.socket.pause();
    const rss = (): number => {
      const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    };
    const before = rss();
    // As long as it takes another client to get as much through the same runtime.
    const other = await exec(['head', '-c', '10000000', '/dev/zero']);
    assert.ok(other.streams.stdout);
    other.streams.stdout.isKept = false;
    await statusOf(other.client, other.streams.error);
    assert.equal(other.streams.stdout.bytes, 10_000_000);
    assert.ok(rss() - before < 64 * MIB, `${rss() - before} bytes more`);
    client.socket.resume();
    assert.equal((await statusOf(client, streams.error)).status, 'Success');
    assert.equal(stdout.bytes, 100_000_000);
  });

  it('survives clients that send anything, and serves the next', async () => {
    const wrong = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
      randomBytes(4096),
    ];
    for (const bytes of wrong) {
      const { url } = await node.client.exec({
        container_id: container,
        cmd: ['sleep', '4325'],
        stdout: true,
      });
      const client = await connect(url, V4);
      client.socket.write(bytes);
      client.socket.end();
      await eventually('it is cut off', () => client.isClosed);
    }
    const { client, streams } = await exec(['true']);
    assert.equal((await statusOf(client, streams.error)).status, 'Success');
  });

  it('gives URLs of the loopback that work once, for what they were made for', async () => {
    const { url } = await node.client.portForward({ pod_sandbox_id: sandbox });
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/portforward\/[A-Za-z0-9_-]{22}$/);
    const { socketPath, path } = await node.reachable(url);
    const refusedAt = async (other: string, protocol: string): Promise<number> => {
      const answer = await openSpdy({ socketPath, path: other }, [protocol]);
      assert.ok('code' in answer);
      return answer.code;
    };
    assert.equal(await refusedAt('/portforward/AAAAAAAAAAAAAAAAAAAAAA', FORWARD), 404);
    assert.equal(await refusedAt('/metrics', FORWARD), 404);
    assert.equal(await refusedAt(path, V4), 403);
    const client = await openSpdy({ socketPath, path }, [FORWARD]);
    assert.ok(client instanceof SpdyTestClient);
    client.close();
    assert.equal(await refusedAt(path, FORWARD), 404);
  });

  describe('port-forward', () => {
    async function forward(): Promise<SpdyTestClient> {
      const { url } = await node.client.portForward({ pod_sandbox_id: sandbox, port: [] });
      return connect(url, FORWARD);
    }

    async function pair(client: SpdyTestClient, port: number, requestId: number) {
      const headers = { port: String(port), requestID: String(requestId) };
      const error = await client.open({ ...headers, streamType: 'error' });
      client.end(error);
      const data = await client.open({ ...headers, streamType: 'data' });
      return { error, data };
    }

    it('carries many connections at once, each direction with its own end', async () => {
      const client = await forward();
      assert.equal(client.protocol, FORWARD);
      const echoed = Array.from({ length: 20 }, async (_, index) => {
        const { data, error } = await pair(client, 7000, index);
        const sent = randomBytes(256 * 1024 + index);
        await client.write(data, sent);
        client.end(data);
        await Promise.all([client.ended(data), client.ended(error)]);
        assert.equal(sha256(data.received), sha256(sent));
        assert.equal(String(error.received), '');
      });
      await Promise.all(echoed);
      client.close();
    });

    it("reaches ::1 where nothing listens on 127.0.0.1, and passes on the pod's end", async () => {
      const client = await forward();
      const { data, error } = await pair(client, 7001, 0);
      await client.ended(data);
      assert.equal(String(data.received), 'hello\n');
      client.reset(data);
      await client.ended(error);
      client.close();
    });

    it('tells on the error stream what refuses, in the words of the kubelet', async () => {
      const client = await forward();
      const { data, error } = await pair(client, 7999, 0);
      await Promise.all([client.ended(data), client.ended(error)]);
      const why = /^error forwarding port 7999 to pod [0-9a-f]{64}, uid : .*connection refused/;
      assert.match(String(error.received), why);
      // The others go on.
      const second = await pair(client, 7001, 1);
      await client.ended(second.data);
      assert.equal(String(second.data.received), 'hello\n');
      for (const port of ['', '0', '70000', '80x']) {
        const wrong = await client.open({ requestID: '9', streamType: 'data', port });
        await client.ended(wrong);
        assert.equal(wrong.resetStatus, 3);
      }
      client.close();
    });

    it("reaches the node's loopback from a pod on the node's network", async () => {
      const onNode = { namespace_options: { network: 'NODE', pid: 'CONTAINER', ipc: 'POD' } };
      const id = await node.runSandbox({ linux: { security_context: onNode } } as never);
      const { url } = await node.client.portForward({ pod_sandbox_id: id });
      const client = await connect(url, FORWARD);
      const { data } = await pair(client, Number(new URL(url).port), 0);
      await client.write(data, Buffer.from('GET / HTTP/1.0\r\n\r\n'));
      await client.ended(data);
      assert.match(String(data.received), /^HTTP\/1\.1 400 /);
      client.close();
      await node.client.stopPodSandbox({ pod_sandbox_id: id });
      await assert.rejects(node.client.portForward({ pod_sandbox_id: id }), {
        code: 'FAILED_PRECONDITION',
      });
      await node.client.removePodSandbox({ pod_sandbox_id: id });
      await assert.rejects(node.client.portForward({ pod_sandbox_id: id }), { code: 'NOT_FOUND' });
    });

    it('speaks WebSocket channels, which start with the port', async () => {
      for (const protocol of ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']) {
        const { url } = await node.client.portForward({
          pod_sandbox_id: sandbox,
          port: [7001, 7998],
        });
        const { socketPath, path } = await node.reachable(url);
        const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, protocol);
        const channels: Record<number, string> = {};
        socket.on('message', (message: Buffer, isBinary) => {
          assert.equal(isBinary, protocol === 'v4.channel.k8s.io');
          const channel = isBinary ? (message[0] ?? 0) : Number(String(message)[0]);
          const data = isBinary
            ? message.toString('latin1', 1)
            : Buffer.from(String(message).slice(1), 'base64').toString('latin1');
          channels[channel] = (channels[channel] ?? '') + data;
        });
        const [code] = await once(socket, 'close', { signal: AbortSignal.timeout(30_000) });
        assert.equal(code, 1000);
        assert.equal(channels[0], '\x59\x1bhello\n');
        assert.equal(channels[1], '\x59\x1b');
        assert.equal(channels[2], '\x3e\x1f');
        assert.match(channels[3] ?? '', /error forwarding port 7998 .*connection refused/);
      }
    });

    it('speaks SPDY inside a WebSocket', async () => {
      const { url } = await node.client.portForward({ pod_sandbox_id: sandbox, port: [] });
      const stream = await openTunnel(await node.reachable(url));
      const client = new SpdyTestClient(stream, FORWARD, Buffer.alloc(0));
      const { data } = await pair(client, 7000, 1);
      const sent = randomBytes(MIB);
      await client.write(data, sent);
      client.end(data);
      await client.ended(data);
      assert.equal(sha256(data.received), sha256(sent));
      client.close();
    });
  });
});
