/** Debian's etcd for a test: one member on loopback, in a folder of its own, synced as in earnest. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ETCD = '/usr/bin/etcd';
const START_TIMEOUT_MS = 20_000;

export interface EtcdServer {
  readonly endpoint: string;
  /** Kills it at once; `start` again goes on with its data and address. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
}

export async function startEtcd(): Promise<EtcdServer> {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-etcd-'));
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const endpoint = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  let child: ChildProcess | undefined;
  const server: EtcdServer = {
    endpoint,
    start: async () => {
      const args = ['--name', 'test', '--data-dir', dir, '--log-level', 'error'];
      args.push('--listen-client-urls', endpoint, '--advertise-client-urls', endpoint);
      args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
      args.push('--initial-cluster', `test=${peer}`);
      child = spawn(ETCD, args, { stdio: 'ignore' });
      await isHealthy(endpoint, child);
    },
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    dispose: async () => {
      await server.kill();
      rmSync(dir, { recursive: true });
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.dispose();
    throw error;
  }
  return server;
}

async function isHealthy(endpoint: string, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  while (!deadline.aborted) {
    if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`);
    const answer = await fetch(`${endpoint}/health`, { signal: deadline }).catch(() => undefined);
    if (answer?.ok === true && (await answer.text()).includes('true')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`etcd did not become healthy within ${START_TIMEOUT_MS} ms`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port');
  return address.port;
}
