/**
 * A runtime with its spawner in a network namespace of its own, for integration tests: started as the
 * lab starts it, killed and started again at will, and in the end taken apart, with nothing left.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpawnerClient } from '../../agent/runtime/spawner/client.ts';
import { systemClock } from '../../base/clock.ts';
import { type CriClient, newCriClient } from '../../proto/cri/client.ts';
import type { Input, PodSandboxConfig } from '../../proto/cri/types.ts';
import { CriPods, until } from './cri-pods.ts';

export class RuntimeNode {
  readonly name = `skt-cri-${randomBytes(4).toString('hex')}`;
  readonly folder: string;
  readonly cgroupRoot: string;
  readonly client: CriClient;
  #process: ChildProcess | undefined;
  readonly #pods: CriPods;
  readonly #proxies = new Map<string, ChildProcess>();

  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), `${this.name}-`));
    this.cgroupRoot = `/${this.name}`;
    mkdirSync(this.runDir);
    execFileSync('ip', ['netns', 'add', this.name]);
    this.client = newCriClient(this.socket, systemClock);
    this.#pods = new CriPods({ client: this.client, image: 'skiff/host', logDir: this.logDir });
  }

  get socket(): string {
    return path.join(this.runDir, 'runtime.sock');
  }

  get runDir(): string {
    return path.join(this.folder, 'run');
  }

  get dataDir(): string {
    return path.join(this.folder, 'data');
  }

  get imageDir(): string {
    return path.join(this.folder, 'images');
  }

  /** How registries are reached; nothing is there until a test writes it. */
  get registryConfig(): string {
    return path.join(this.folder, 'registries.yaml');
  }

  /** Pods are connected by CNI plugins when a test has made it before the start. */
  get cniConfDir(): string {
    return path.join(this.folder, 'cni');
  }

  get logDir(): string {
    return path.join(this.folder, 'logs');
  }

  get pid(): number {
    assert.ok(this.#process?.pid !== undefined);
    return this.#process.pid;
  }

  /** Resolves when it answers. `isMortal`: it can be told to die by {@link dieAtStep}. */
  async start({ isMortal = false } = {}): Promise<void> {
    const log = openSync(path.join(this.folder, 'runtime.log'), 'a');
    const preload = path.join(import.meta.dirname, 'kill-at-step.ts');
    const args = [
      ...['--net=/run/netns/'.concat(this.name), '--', process.execPath],
      ...(isMortal ? ['--import', preload] : []),
      'agent/runtime/main.ts',
      ...['--socket', this.socket, '--run-dir', this.runDir, '--data-dir', this.dataDir],
      ...['--image-dir', this.imageDir, '--cgroup-root', this.cgroupRoot],
      ...['--pod-cidr', '10.232.9.0/24', '--log-level', 'debug'],
      ...['--registry-config', this.registryConfig],
      ...(existsSync(this.cniConfDir) ? ['--cni-conf-dir', this.cniConfDir] : []),
    ];
    // As the launcher does: without it, every start strips types anew.
    const cache = process.env.NODE_COMPILE_CACHE ?? path.resolve('node_modules/.cache/compile');
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
      KILL_AT_STEP_FILE: this.#stepFile,
    };
    const child = spawn('nsenter', args, { stdio: ['ignore', log, log], env });
    this.#process = child;
    await until('the runtime answers', async () => {
      if (child.exitCode !== null) throw new Error(`The runtime ended:\n${this.log()}`);
      return existsSync(this.socket) && (await answers(this.client));
    });
  }

  get #stepFile(): string {
    return path.join(this.folder, 'kill-at-step');
  }

  /** A mortal one dies at this step of what it is asked next; 0: it lives on. */
  async dieAtStep(step: number): Promise<void> {
    writeFileSync(this.#stepFile, String(step));
    process.kill(this.pid, 'SIGUSR2');
    await until('it knows', async () => !existsSync(this.#stepFile));
  }

  /** Whether it has died, after what it was asked has failed or succeeded. */
  async hasDied(): Promise<boolean> {
    const child = this.#process;
    if (child === undefined) return true;
    if (await answers(this.client)) return false;
    await until('it is gone', async () => child.exitCode !== null || child.signalCode !== null);
    return true;
  }

  /** Sends the signal and waits for the end of the runtime; containers and spawner go on. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** The socket path and path of a URL whose host is the node's own loopback. */
  async reachable(url: string): Promise<{ readonly socketPath: string; readonly path: string }> {
    const { port, pathname } = new URL(url);
    const socketPath = path.join(this.folder, `proxy-${port}.sock`);
    if (!this.#proxies.has(socketPath)) {
      const entry = path.join(import.meta.dirname, 'netns-proxy.ts');
      const args = [
        `--net=/run/netns/${this.name}`,
        '--',
        process.execPath,
        entry,
        socketPath,
        port,
      ];
      this.#proxies.set(socketPath, spawn('nsenter', args, { stdio: 'ignore' }));
      await until('the proxy listens', () => listens(socketPath));
    }
    return { socketPath, path: pathname };
  }

  log(): string {
    const files = [path.join(this.folder, 'runtime.log'), path.join(this.runDir, 'spawner.log')];
    return files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('');
  }

  async spawnerPid(): Promise<number> {
    const spawner = await SpawnerClient.connect(this.runDir);
    const { pid } = await spawner.request('version', {});
    spawner.close();
    return pid;
  }

  /** Of a running container, as the host numbers it. */
  async pidOf(container: string): Promise<number> {
    const spawner = await SpawnerClient.connect(this.runDir);
    const states = await spawner.request('listContainers', {});
    spawner.close();
    const pid = states.find(({ containerId }) => containerId === container)?.started?.pid;
    assert.ok(pid !== undefined);
    return pid;
  }

  sandboxConfig(changes: Input<PodSandboxConfig> = {}): Input<PodSandboxConfig> {
    return this.#pods.sandboxConfig(changes);
  }

  runSandbox(changes: Input<PodSandboxConfig> = {}): Promise<string> {
    return this.#pods.runSandbox(changes);
  }

  createContainer(...container: Parameters<CriPods['createContainer']>): Promise<string> {
    return this.#pods.createContainer(...container);
  }

  startContainer(...container: Parameters<CriPods['startContainer']>): Promise<string> {
    return this.#pods.startContainer(...container);
  }

  status(id: string): ReturnType<CriPods['status']> {
    return this.#pods.status(id);
  }

  waitForExit(id: string): ReturnType<CriPods['waitForExit']> {
    return this.#pods.waitForExit(id);
  }

  /** Ends everything and removes it; fails when something of it is left. */
  async close(): Promise<void> {
    this.client.close();
    for (const proxy of this.#proxies.values()) proxy.kill();
    await this.stop('SIGKILL');
    await this.#shutDownSpawner();
    execFileSync('ip', ['netns', 'delete', this.name]);
    const left = await leftoversOf(this.name);
    for (const cgroup of cgroupsOf(this.name).toReversed()) execFileSync('rmdir', [cgroup]);
    rmSync(this.folder, { recursive: true, force: true });
    assert.deepEqual(left, []);
  }

  async #shutDownSpawner(): Promise<void> {
    if (!existsSync(path.join(this.runDir, 'spawner.sock'))) return;
    const spawner = await SpawnerClient.connect(this.runDir);
    await spawner.request('shutdown', {});
    await spawner.closed;
  }
}

/** Processes and mounts with the name in them, once those have gone that are on their way out. */
export async function leftoversOf(name: string): Promise<readonly string[]> {
  let left: readonly string[] = [];
  const isClean = async (): Promise<boolean> => {
    left = [...processesOf(name), ...mountsOf(name)];
    return left.length === 0;
  };
  await until('nothing is left', isClean).catch(() => undefined);
  return left;
}

/** Cgroups of a test, the upper ones first, in every hierarchy. */
export function cgroupsOf(name: string): readonly string[] {
  const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/*'];
  return roots.flatMap((root) => globSync([`${root}/${name}`, `${root}/${name}/**/`])).sort();
}

function processesOf(name: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      const command = readProc(pid, 'cmdline').replaceAll('\0', ' ');
      const isOurs = command.includes(name) || readProc(pid, 'cgroup').includes(name);
      return isOurs ? [`process ${pid}: ${command}`] : [];
    });
}

function mountsOf(name: string): readonly string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.filter((line) => line.includes(name));
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** The file of a socket is there a little before it listens. */
async function listens(socketPath: string): Promise<boolean> {
  const socket = net.connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function answers(client: CriClient): Promise<boolean> {
  try {
    await client.version({}, { timeoutMs: 1_000 });
    return true;
  } catch {
    return false;
  }
}
