/**
 * Pods created in a second over HTTPS, acknowledged durably, by one API server process on each store,
 * beside the floors: a bare HTTP server that parses the same JSON and commits it in groups, and bare
 * transactions of the etcd library.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureClusterPki, issueClientCertificate } from '../../apiserver/auth/pki.ts';
import { startEtcd } from '../support/etcd-server.ts';
import { measureHttpFloor } from './floors/http-floor.ts';
import { type Load, type LoadResult, measureLoad } from './floors/in-flight.ts';
import { podBody } from './floors/pod-body.ts';
import { openRawEtcd } from './floors/raw-etcd.ts';

const SERVER = path.resolve(import.meta.dirname, '../../apiserver/main.ts');
const LOAD: Load = { inFlight: 64, durationMs: 5000, warmUpMs: 2000 };

export async function bench(args: readonly string[]): Promise<object> {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-api-bench-'));
  try {
    const embedded = await measureServer(dir, ['--data-dir', path.join(dir, 'data')]);
    report('embedded', embedded);
    const embeddedFloor = await measureHttpFloor(LOAD);
    report('embedded floor', embeddedFloor);
    if (args.includes('--embedded')) return summary({ embedded, embeddedFloor });
    const { etcd, etcdFloor } = await measureOnEtcd(dir);
    return summary({ embedded, embeddedFloor, etcd, etcdFloor });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function measureOnEtcd(
  dir: string,
): Promise<{ readonly etcd: LoadResult; readonly etcdFloor: LoadResult }> {
  const server = await startEtcd();
  try {
    const flags = ['--store', 'etcd', '--etcd-endpoints', server.endpoint];
    const etcd = await measureServer(dir, flags);
    report('etcd', etcd);
    const raw = openRawEtcd(server.endpoint);
    const etcdFloor = await measureLoad(LOAD, (index) =>
      raw.put(`/floor/pod-${index}`, Buffer.from(podBody(`pod-${index}`))),
    );
    raw.close();
    report('etcd floor', etcdFloor);
    return { etcd, etcdFloor };
  } finally {
    await server.dispose();
  }
}

async function measureServer(dir: string, flags: readonly string[]): Promise<LoadResult> {
  const pkiDir = path.join(dir, 'pki');
  const { ca } = await ensureClusterPki(pkiDir, { sans: [], nowMs: Date.now() });
  const identity = { user: 'bench', groups: ['system:masters'] };
  const { certificatePem: cert, keyPem: key } = issueClientCertificate(ca, identity, Date.now());
  const all = [SERVER, '--pki-dir', pkiDir, '--secure-port', '0', ...flags];
  const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...all], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const agent = new Agent({
    keepAlive: true,
    maxSockets: LOAD.inFlight,
    ca: ca.certificatePem,
    cert,
    key,
  });
  try {
    const port = await portOf(server);
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await post(agent, port, accounts, JSON.stringify({ metadata: { name: 'default' } }));
    const run = `${process.hrtime.bigint()}`;
    const pods = '/api/v1/namespaces/default/pods?fieldManager=bench';
    return await measureLoad(LOAD, (index) =>
      post(agent, port, pods, podBody(`pod-${run}-${index}`)),
    );
  } finally {
    agent.destroy();
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    await exit;
  }
}

/** The port that the server's log names once it serves. */
async function portOf(server: ChildProcess): Promise<number> {
  if (server.stderr === null) throw new Error('The server has no log');
  const lines: string[] = [];
  for await (const line of createInterface(server.stderr)) {
    lines.push(line);
    const port = /"Started serving".*"port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The server did not start: ${lines.join('\n')}`);
}

function post(agent: Agent, port: number, target: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const options = { agent, host: '127.0.0.1', port, method: 'POST', path: target, headers };
    const sent = request(options, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 201) resolve();
        else reject(new Error(`The server answered ${answer.statusCode}`));
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function report(name: string, result: LoadResult): void {
  const { perSecond, p50Ms, p99Ms } = result;
  process.stdout.write(`${name}: ${perSecond} pods/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms\n`);
}

function summary(results: Readonly<Record<string, LoadResult>>): object {
  const perSecond = Object.entries(results).map(([name, result]) => [name, result.perSecond]);
  return { createsPerSecond: Object.fromEntries(perSecond) };
}
