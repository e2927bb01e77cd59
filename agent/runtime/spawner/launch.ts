/**
 * Starts the spawner of a run folder when none answers there. The spawner is a process of its own
 * session that outlives whoever starts it; two that start at once are told apart by a lock it takes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { mountSetattr, openTree } from '../syscalls/libc.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../syscalls/linux.ts';
import { SpawnerClient, SpawnerError } from './client.ts';
import { PROTOCOL_VERSION } from './protocol.ts';

/** Only reached when the machine is hopelessly busy or the spawner cannot start at all. */
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 5;
/** struct mount_attr. */
const MOUNT_ATTR_BYTES = 32;

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
  const binary = openReadonly(process.execPath);
  const program = `/proc/${process.pid}/fd/${binary}`;
  const child = spawn(program, [...NODE_FLAGS, entry, '--run-dir', runDir], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    argv0: process.execPath,
  });
  closeSync(binary);
  child.on('error', () => undefined); // Nobody listens then, and the caller's deadline tells.
  child.unref();
  closeSync(log);
  return child;
}

/**
 * A mount of a file that nobody can write through. The spawner runs from it, and so do its children until
 * they execute a container's program: what such a program reaches as /proc/PID/exe is not the file of the
 * node (CVE-2019-5736).
 */
function openReadonly(file: string): number {
  const mount = openTree(AT_FDCWD, file, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  const attributes = Buffer.alloc(MOUNT_ATTR_BYTES);
  attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY), 0);
  mountSetattr(mount, AT_EMPTY_PATH, attributes);
  return mount;
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
