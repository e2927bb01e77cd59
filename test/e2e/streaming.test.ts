/**
 * What kubectl and our own CLI stream, from the client through API server, agent and runtime to a pod and
 * back: Debian's kubectl 1.20 and all before 1.30 over SPDY, later ones over WebSocket, port-forward from
 * 1.31 on by SPDY inside a WebSocket.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { kubectls, SKIFF, TestLab } from '../support/test-lab.ts';

const BODY_BYTES = 2_000_000;
/** Answers each request with as many bytes, on the pod's loopback only. */
const SERVER = `use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die; while (my $c = $s->accept) { if (fork == 0) { while (<$c>) { last if /^\\r?$/ } print $c "HTTP/1.1 200 OK\\r\\nContent-Length: ${BODY_BYTES}\\r\\nConnection: close\\r\\n\\r\\n", "x" x ${BODY_BYTES}; close $c; exit } close $c }`;

function pod(name: string, container: object, labels = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image: 'skiff/host', ...container }],
    },
  };
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('streaming', () => {
  const lab = new TestLab();
  const sent = randomBytes(4 * 2 ** 20);
  const file = path.join(lab.folder, 'sent');

  before(async () => {
    writeFileSync(file, sent);
    await lab.up('--nodes', '1');
    const echoes = [...kubectls().map(({ version }) => version), 'skiff'].map((version) =>
      pod(`echo-${version}`, { command: ['cat'], stdin: true, stdinOnce: true }),
    );
    const web = pod('web', { command: ['perl', '-e', SERVER] }, { app: 'web' });
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'site' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    };
    const input = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [web, service, ...echoes],
    });
    const applied = await lab.run(SKIFF, ['apply', '-f', '-'], { input });
    assert.equal(applied.code, 0, applied.stderr);
    await eventually('the pods run', async () => {
      const { items } = await lab.get<{ items: Pod[] }>('pods');
      assert.ok(items.length > 1 && items.every(({ status }) => status.phase === 'Running'));
    });
  });
  after(() => lab.down());

  /** Runs it with the file as its input; resolves with the bytes it wrote. */
  async function pipe(command: string, ...args: readonly string[]): Promise<Buffer> {
    const child = spawn(command, args, { env: lab.env, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined);
    child.stdin.end(sent);
    return buffer(child.stdout);
  }

  /** Resolves with the local port when it forwards. */
  async function forwarding(child: ChildProcess): Promise<number> {
    let printed = '';
    child.stdout?.on('data', (text) => {
      printed += text;
    });
    child.stderr?.on('data', (text) => {
      printed += text;
    });
    return eventually('it forwards', () => {
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
      assert.ok(port !== undefined, printed);
      return Number(port);
    });
  }

  async function get(port: number): Promise<Buffer> {
    const request = http.get({ port, host: '127.0.0.1', agent: false });
    const [response] = await once(request, 'response', { signal: AbortSignal.timeout(30_000) });
    return buffer(response);
  }

  async function servesInParallel(command: string, ...args: readonly string[]): Promise<void> {
    const child = spawn(command, args, { env: lab.env });
    try {
      const port = await forwarding(child);
      const bodies = await Promise.all(Array.from({ length: 6 }, () => get(port)));
      for (const body of bodies) assert.ok(body.equals(Buffer.alloc(BODY_BYTES, 'x')));
    } finally {
      const isOver = child.exitCode !== null || child.signalCode !== null;
      const ended = isOver ? undefined : once(child, 'close');
      child.kill();
      await ended;
    }
  }

  const clients = [
    ...kubectls().map(({ version, file: command }) => ({ version, command })),
    { version: 'skiff', command: SKIFF },
  ];
  for (const { version, command } of clients) {
    describe(version === 'skiff' ? 'skiff' : `kubectl ${version}`, () => {
      it('runs a command: outputs apart, exit code', async () => {
        const script = 'echo out; echo err >&2; exit 7';
        const { code, stdout, stderr } = await lab.run(command, [
          ...['exec', 'web', '--', 'sh', '-c', script],
        ]);
        assert.deepEqual([code, stdout], [7, 'out\n']);
        assert.match(stderr, /^err\n/);
      });

      it('pipes megabytes through a command', async () => {
        const back = await pipe(command, 'exec', '-i', 'web', '--', 'cat');
        assert.equal(sha256(back), sha256(sent));
      });

      it('gives the command a terminal of its own size', async () => {
        const script = 'stty size; exit 3';
        const exec = `stty rows 31 cols 97; ${command} exec -it web -- sh -c '${script}'`;
        const { code, stdout } = await lab.run('script', ['-qec', exec, '/dev/null']);
        assert.match(stdout, /31 97\r?\n/);
        assert.equal(code, 3, stdout);
      });

      it('attaches to a container, whose input ends with the attachment', async () => {
        const args = ['attach', '-i', `echo-${version}`];
        const { stdout } = await lab.run(command, args, { input: 'to the pod\n' });
        assert.match(stdout, /to the pod\n/);
        await eventually('the container has ended', async () => {
          const { status } = await lab.get<Pod>('pod', `echo-${version}`);
          assert.equal(status.phase, 'Succeeded');
        });
      });

      it('forwards a port, several connections at once', async () => {
        await servesInParallel(command, 'port-forward', 'web', ':8080');
        if (version === 'skiff') await servesInParallel(command, 'port-forward', 'svc/site', ':80');
      });

      if (version === 'skiff') return;
      it('copies files in and out', async () => {
        const [inside, back] = [`/tmp/in-${version}`, path.join(lab.folder, `back-${version}`)];
        for (const args of [
          [file, `web:${inside}`],
          [`web:${inside}`, back],
        ]) {
          const { code, stderr } = await lab.run(command, ['cp', ...args]);
          assert.equal(code, 0, stderr);
        }
        assert.equal(sha256(readFileSync(back)), sha256(sent));
      });
    });
  }

  it('says what refuses a forwarded connection, and which pod is not there', async () => {
    const command = kubectls().at(-1)?.file ?? SKIFF;
    const child = spawn(command, ['port-forward', 'web', ':9999'], { env: lab.env });
    let told = '';
    child.stderr.on('data', (text) => {
      told += text;
    });
    try {
      const port = await forwarding(child);
      await get(port).catch(() => undefined);
      await eventually('kubectl tells', () => {
        assert.match(told, /error forwarding port 9999 to pod [0-9a-f]{64}.*connection refused/);
      });
    } finally {
      child.kill();
    }
    const missing = await lab.run(command, ['exec', 'no-such', '--', 'true']);
    assert.match(missing.stderr, /pods "no-such" not found/);
  });
});
