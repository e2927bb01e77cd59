/**
 * How fast bytes come out of a pod: `npm run bench -- streaming`, as root. Output of `kubectl exec` and
 * downloads through `kubectl port-forward`, with the oldest kubectl (SPDY) and the newest (WebSocket): from
 * the client through API server, agent and runtime, twice over TLS, to the program. The floor, in the same
 * run: the same download from the same pod through one TCP proxy in Node, without TLS.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Readable } from 'node:stream';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { quantile } from '../support/statistics.ts';
import { kubectls, SKIFF, TestLab } from '../support/test-lab.ts';

const BYTES = 200_000_000;
const RUNS = 5;

/** Sends as many bytes to whoever connects. */
const SERVER = `use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die; my $b = "x" x 1000000; while (my $c = $s->accept) { if (fork == 0) { print $c $b for 1 .. ${BYTES / 1_000_000}; close $c; exit } close $c }`;

/** `{ execMbPerSecond: {spdy, websocket}, portForwardMbPerSecond: {spdy, tunnel}, floor: {tcpProxyMbPerSecond}, ratio: {…} }` */
export async function bench(): Promise<object> {
  const lab = new TestLab();
  try {
    await lab.up('--nodes', '1');
    const podIp = await startServer(lab);
    const [oldest, newest] = [kubectls()[0]?.file, kubectls().at(-1)?.file];
    assert.ok(oldest !== undefined && newest !== undefined, 'there is no kubectl');
    const exec = (kubectl: string) => median(() => execOnce(lab, kubectl));
    const execs = { spdy: await exec(oldest), websocket: await exec(newest) };
    const forwards = { spdy: await forward(lab, oldest), tunnel: await forward(lab, newest) };
    const tcpProxyMbPerSecond = await throughProxy(podIp);
    const ratioOf = (value: number): number =>
      Math.round((100 * value) / tcpProxyMbPerSecond) / 100;
    return {
      execMbPerSecond: execs,
      portForwardMbPerSecond: forwards,
      floor: { tcpProxyMbPerSecond },
      ratio: {
        execSpdy: ratioOf(execs.spdy),
        execWebSocket: ratioOf(execs.websocket),
        portForwardSpdy: ratioOf(forwards.spdy),
        portForwardTunnel: ratioOf(forwards.tunnel),
      },
    };
  } finally {
    await lab.down();
  }
}

/** Returns the pod's address when the server answers. */
async function startServer(lab: TestLab): Promise<string> {
  const containers = [{ name: 'c', image: 'skiff/host', command: ['perl', '-e', SERVER] }];
  const spec = { terminationGracePeriodSeconds: 0, containers };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'server' }, spec };
  const { code, stderr } = await lab.run(SKIFF, ['apply', '-f', '-'], {
    input: JSON.stringify(pod),
  });
  assert.equal(code, 0, stderr);
  return eventually('the server answers', async () => {
    const { status } = await lab.get<Pod>('pod', 'server');
    const socket = net.connect(8080, status.podIP ?? '');
    await once(socket, 'connect');
    socket.destroy();
    return status.podIP ?? '';
  });
}

/** The median of several runs, in MB a second. */
async function median(run: () => Promise<number>): Promise<number> {
  const rates: number[] = [];
  await run();
  for (let index = 0; index < RUNS; index += 1) rates.push(await run());
  return Math.round(quantile(rates, 0.5));
}

async function execOnce(lab: TestLab, kubectl: string): Promise<number> {
  const args = ['exec', 'server', '--', 'head', '-c', String(BYTES), '/dev/zero'];
  const child = spawn(kubectl, args, { env: lab.env, stdio: ['ignore', 'pipe', 'inherit'] });
  return rateOf(child.stdout);
}

async function forward(lab: TestLab, kubectl: string): Promise<number> {
  const child = spawn(kubectl, ['port-forward', 'server', ':8080'], { env: lab.env });
  try {
    const port = await localPort(child);
    return await median(() => download(port, '127.0.0.1'));
  } finally {
    child.kill();
  }
}

async function localPort(child: ChildProcess): Promise<number> {
  let printed = '';
  child.stdout?.on('data', (text) => {
    printed += text;
  });
  return eventually('it forwards', () => {
    const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
    assert.ok(port !== undefined, printed);
    return Number(port);
  });
}

async function throughProxy(podIp: string): Promise<number> {
  const proxy = net.createServer((client) => {
    const target = net.connect(8080, podIp);
    target.pipe(client).pipe(target);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as net.AddressInfo;
  try {
    return await median(() => download(port, '127.0.0.1'));
  } finally {
    proxy.close();
  }
}

function download(port: number, host: string): Promise<number> {
  return rateOf(net.connect(port, host));
}

/** From now to the last byte, in MB a second. */
async function rateOf(stream: Readable): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  assert.equal(bytes, BYTES);
  return BYTES / 1_000 / (performance.now() - start);
}
