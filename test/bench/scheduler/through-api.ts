/**
 * SchedulingBasic through everything: an API server with the embedded store, synced to disk, and
 * `skiff scheduler`, each a process of its own; pods are created while others get their nodes, as
 * upstream's test does. Nobody runs the pods.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { kubeconfigText } from '../../../apiserver/auth/kubeconfig.ts';
import { ensureClusterPki, issueClientCertificate } from '../../../apiserver/auth/pki.ts';
import { systemClock as clock } from '../../../base/clock.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import {
  events,
  namespaces,
  nodes,
  pods,
  serviceaccounts,
} from '../../../proto/api/gen/resources.ts';
import { isAlreadyExists } from '../../../proto/api/status-error.ts';
import { quantile } from '../../support/statistics.ts';
import { nodeFrom, podFrom } from './templates.ts';

export interface ThroughApiOptions {
  readonly nodes: number;
  /** Scheduled before the measurement. */
  readonly init: number;
  readonly measured: number;
}

export interface ThroughApiResult extends ThroughApiOptions {
  /** From the first measured pod that has a node to the last one. */
  readonly podsPerSecond: number;
  /** From when a watch shows the pod to when it shows its node. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly schedulerRssMb: number;
  /** `Scheduled` Events there are, of all pods, when the last one has its node. */
  readonly eventsWritten: number;
  /** What a measured pod cost each process; `client` is this one, which creates and watches. */
  readonly cpuMsPerPod: {
    readonly apiserver: number;
    readonly scheduler: number;
    readonly client: number;
  };
}

const ROOT = path.resolve(import.meta.dirname, '../../..');
const NAMESPACE = 'bench';
/** Requests at a time: client-go's scheduler_perf client is let 5,000 a second. */
const IN_FLIGHT = 64;
/** When nothing more gets a node. */
const STALLED_MS = 60_000;

export async function measureThroughApi(options: ThroughApiOptions): Promise<ThroughApiResult> {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-sched-bench-'));
  const pkiDir = path.join(dir, 'pki');
  const { ca } = await ensureClusterPki(pkiDir, { sans: [], nowMs: Date.now() });
  const identity = { user: 'bench', groups: ['system:masters'] };
  const client = issueClientCertificate(ca, identity, Date.now());
  const storage = ['--data-dir', path.join(dir, 'data')];
  const server = start('apiserver', ['--pki-dir', pkiDir, '--secure-port', '0', ...storage]);
  const started: ChildProcess[] = [server];
  try {
    const address = `https://127.0.0.1:${await portOf(server)}`;
    const kubeconfig = path.join(dir, 'kubeconfig');
    const parts = { contextName: 'bench', server: address, caPem: ca.certificatePem, client };
    writeFileSync(kubeconfig, kubeconfigText(parts));
    const { certificatePem: cert, keyPem: key } = client;
    const connection = { server: address, ca: ca.certificatePem, cert, key, namespace: NAMESPACE };
    const api = new RestClient({ connection, clock, userAgent: 'bench' });
    await prepare(api, options.nodes);
    const scheduler = start('scheduler', ['--kubeconfig', kubeconfig, '--log-level', 'warn']);
    started.push(scheduler);
    const cpuMs = (): Record<'apiserver' | 'scheduler' | 'client', number> => ({
      apiserver: cpuMsOf(server.pid ?? 0),
      scheduler: cpuMsOf(scheduler.pid ?? 0),
      client: cpuMsOf(process.pid),
    });
    const result = await run(api, options, cpuMs);
    const schedulerRssMb = rssMbOf(scheduler.pid ?? 0);
    api.close();
    return { ...options, ...result, schedulerRssMb };
  } finally {
    for (const child of started.reverse()) await stop(child);
    rmSync(dir, { recursive: true });
  }
}

async function prepare(api: RestClient, nodeCount: number): Promise<void> {
  const name = NAMESPACE;
  await api.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
    spec: {},
  });
  const metadata = { namespace: name, name: 'default' };
  await api
    .create(serviceaccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  await inParallel(nodeCount, async (index) => {
    const { metadata: own, ...node } = nodeFrom(index);
    const { name: nodeName, labels = {} } = own;
    await api.create(nodes, { ...node, metadata: { name: nodeName, labels } });
    const { status } = node;
    await api.patch(nodes, { name: nodeName }, 'merge', { status }, { subresource: 'status' });
    // No node controller is here to see that the node is ready.
    await api.patch(nodes, { name: nodeName }, 'merge', { spec: { taints: null } });
  });
}

async function run(
  api: RestClient,
  { init, measured }: ThroughApiOptions,
  cpuMs: () => ThroughApiResult['cpuMsPerPod'],
): Promise<Omit<ThroughApiResult, keyof ThroughApiOptions | 'schedulerRssMb'>> {
  const ended = new AbortController();
  const seenMs = new Map<string, number>();
  const placedMs = new Map<string, number>();
  let onPlaced: () => void = () => undefined;
  const watching = (async () => {
    const { metadata } = await api.list(pods, { namespace: NAMESPACE });
    const from = { namespace: NAMESPACE, resourceVersion: metadata.resourceVersion ?? '' };
    for await (const { object } of api.watch(pods, from, ended.signal)) {
      const { name } = object.metadata;
      if (!seenMs.has(name)) seenMs.set(name, performance.now());
      if (object.spec.nodeName === undefined || placedMs.has(name)) continue;
      placedMs.set(name, performance.now());
      onPlaced();
    }
  })().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  const create = async (count: number, first: number): Promise<void> => {
    const all = Promise.withResolvers<void>();
    onPlaced = () => placedMs.size === first + count && all.resolve();
    const late = clock.schedule(STALLED_MS + count * 10, () => {
      all.reject(new Error(`Only ${placedMs.size} of ${first + count} pods got a node`));
    });
    await inParallel(count, async (index) => {
      const { metadata, ...pod } = podFrom('default', NAMESPACE, first + index);
      const { name } = metadata;
      await api.create<Pod>(pods, { ...pod, metadata: { name, namespace: NAMESPACE } });
    });
    await all.promise;
    late();
  };
  try {
    await create(init, 0);
    const before = cpuMs();
    await create(measured, init);
    const after = cpuMs();
    const { items } = await api.list(events, { namespace: NAMESPACE, metadataOnly: true });
    const perPod = (of: keyof ThroughApiResult['cpuMsPerPod']): number =>
      Math.round(((after[of] - before[of]) / measured) * 100) / 100;
    const names = Array.from({ length: measured }, (_, index) => `pod-${init + index}`);
    const times = names.map((name) => placedMs.get(name) ?? 0);
    const delays = names.map((name, index) => (times[index] ?? 0) - (seenMs.get(name) ?? 0));
    const seconds = (quantile(times, 1) - quantile(times, 0)) / 1000;
    return {
      podsPerSecond: Math.round(measured / seconds),
      p50Ms: Math.round(quantile(delays, 0.5) * 10) / 10,
      p99Ms: Math.round(quantile(delays, 0.99) * 10) / 10,
      eventsWritten: items.length,
      cpuMsPerPod: {
        apiserver: perPod('apiserver'),
        scheduler: perPod('scheduler'),
        client: perPod('client'),
      },
    };
  } finally {
    ended.abort();
    await watching;
  }
}

async function inParallel(count: number, call: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await call(index);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

function start(component: 'apiserver' | 'scheduler', args: readonly string[]): ChildProcess {
  const main = path.join(ROOT, component, 'main.ts');
  const stdio = ['ignore', 'ignore', 'pipe'] as const;
  const flags = ['--disable-warning=ExperimentalWarning', main, ...args];
  const child = spawn(process.execPath, flags, { stdio: [...stdio] });
  if (component === 'scheduler') child.stderr?.pipe(process.stderr);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** The port that the server's log names once it serves. */
async function portOf(server: ChildProcess): Promise<number> {
  if (server.stderr === null) throw new Error('The server has no log');
  const lines = createInterface(server.stderr);
  const found = Promise.withResolvers<number>();
  lines.on('line', (line) => {
    const port = /"Started serving".*"port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) found.resolve(Number(port));
  });
  lines.on('close', () => found.reject(new Error('The server did not start')));
  return await found.promise;
}

/** User and system time of all threads; a tick is 10 ms. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function rssMbOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}
