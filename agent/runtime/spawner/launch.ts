/**
 * Starts the spawner of a run folder when none answers there. The spawner is a process of its own
 * session that outlives whoever starts it; two that start at once are told apart by a lock it takes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { SpawnerClient, SpawnerError } from './client.ts';
import { PROTOCOL_VERSION } from './protocol.ts';

/** Only reached when the machine is hopelessly busy or the spawner cannot start at all. */
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 5;

/**
 * One thread besides V8's idle ones, so that nobody holds a lock while the process is cloned; see
 * docs/decisions.
 */
const NODE_FLAGS = [
  ...['--single-threaded', '--v8-pool-size=0', '--disable-sigusr1'],
  // It holds little for long; the default lets garbage grow to three times 16 MiB before it looks.
  '--max-semi-space-size=1',
];

/** Connects to the spawner, starting it first when there is none. */
export async function ensureSpawner(runDir: string, clock: Clock): Promise<SpawnerClient> {
  const running = await tryConnect(runDir);
  if (running !== undefined) return running;
  let child = startSpawner(runDir);
  const deadline = clock.monotonicMs() + START_TIMEOUT_MS;
  while (clock.monotonicMs() < deadline) {
    const client = await tryConnect(runDir);
    if (client !== undefined) return client;
    if (child.exitCode === 0) {
      // Another one had the lock: it is about to listen, or about to be gone. Ask both again.
      child = startSpawner(runDir);
    } else if (child.exitCode !== null || child.signalCode !== null) break;
    await clock.after(POLL_MS);
  }
  throw new Error(`The spawner did not start; see ${path.join(runDir, 'spawner.log')}`);
}

function startSpawner(runDir: string): ChildProcess {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const log = openSync(path.join(runDir, 'spawner.log'), 'a', 0o600);
  const entry = path.join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [...NODE_FLAGS, entry, '--run-dir', runDir], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  child.on('error', () => undefined); // Nobody listens then, and the caller's deadline tells.
  child.unref();
  closeSync(log);
  return child;
}

/** Undefined when none answers. One that is being killed may still take a connection, but no request. */
async function tryConnect(runDir: string): Promise<SpawnerClient | undefined> {
  let client: SpawnerClient;
  let protocol: number;
  try {
    client = await SpawnerClient.connect(runDir);
    protocol = (await client.request('version', {})).protocol;
  } catch (error) {
    if (error instanceof SpawnerError) return undefined;
    throw error;
  }
  if (protocol === PROTOCOL_VERSION) return client;
  client.close();
  throw new Error(
    `The spawner of ${runDir} speaks protocol ${protocol}, not ${PROTOCOL_VERSION}: shut it down first`,
  );
}
