/**
 * A spawner of its own for a test, with everything it makes under names of the test, and a proof that
 * nothing of it is left. Needs root.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Cgroups } from '../../agent/runtime/cgroup/cgroups.ts';
import type { ContainerSpec, ProcessSpec } from '../../agent/runtime/container/spec.ts';
import type { SpawnerClient } from '../../agent/runtime/spawner/client.ts';
import { ensureSpawner } from '../../agent/runtime/spawner/launch.ts';
import type {
  ContainerState,
  ProcessExit,
  SandboxNamespaces,
} from '../../agent/runtime/spawner/protocol.ts';
import { systemClock } from '../../base/clock.ts';

/** Why such a test cannot run here; undefined when it can. */
export const notHere = process.getuid?.() === 0 ? false : 'needs root for namespaces and cgroups';

/** What containerd gives a container by default. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

export interface SpecChanges extends Partial<Omit<ContainerSpec, 'process' | 'stdio'>> {
  readonly process?: Partial<ProcessSpec>;
  readonly stdio?: Partial<ContainerSpec['stdio']>;
}

export class SpawnerHarness {
  readonly folder: string;
  readonly runDir: string;
  readonly cgroup: string;
  readonly sandboxId = 'pod';
  client: SpawnerClient;
  readonly #exits = new Map<string, PromiseWithResolvers<ProcessExit>>();
  #lastId = 0;

  static async start(): Promise<SpawnerHarness> {
    const name = `skt-spawn-${randomBytes(4).toString('hex')}`;
    const folder = mkdtempSync(path.join(os.tmpdir(), `${name}-`));
    const client = await ensureSpawner(path.join(folder, 'run'), systemClock);
    const harness = new SpawnerHarness(folder, `/${name}`, client);
    await harness.watch();
    return harness;
  }

  private constructor(folder: string, cgroup: string, client: SpawnerClient) {
    this.folder = folder;
    this.runDir = path.join(folder, 'run');
    this.cgroup = cgroup;
    this.client = client;
  }

  /** Connects anew, as a runtime does that was killed. */
  async reconnect(): Promise<void> {
    this.client.close();
    this.client = await ensureSpawner(this.runDir, systemClock);
    await this.watch();
  }

  async watch(): Promise<void> {
    const take = (state: ContainerState): void => {
      if (state.exit !== undefined) this.#exitOf(state.containerId).resolve(state.exit);
    };
    for (const state of await this.client.subscribe(({ container }) => take(container))) {
      take(state);
    }
  }

  createSandbox(id = this.sandboxId): Promise<SandboxNamespaces> {
    return this.client.request('createSandbox', {
      id,
      network: 'pod',
      ipc: 'pod',
      uts: 'pod',
      hostname: id,
      sysctls: {},
      cgroup: { path: `${this.cgroup}/${id}`, resources: {} },
    });
  }

  /** A container over the host's root that runs this shell command. */
  spec(command: string, changes: SpecChanges = {}): ContainerSpec {
    this.#lastId += 1;
    const id = changes.id ?? `c${this.#lastId}`;
    const layers = path.join(this.folder, 'layers', id);
    for (const layer of ['upper', 'work']) {
      mkdirSync(path.join(layers, layer), { recursive: true });
    }
    return {
      namespaces: {
        sandboxId: this.sandboxId,
        network: 'pod',
        ipc: 'pod',
        uts: 'pod',
        pid: { kind: 'container' },
      },
      rootfs: {
        lower: ['/'],
        upper: path.join(layers, 'upper'),
        work: path.join(layers, 'work'),
      },
      isRootfsReadonly: false,
      mounts: [],
      devices: [],
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/acpi', '/sys/firmware'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger', '/proc/bus'],
      isPrivileged: false,
      cgroupPath: `${this.cgroup}/${this.sandboxId}/${id}`,
      resources: {},
      ...changes,
      id,
      process: {
        args: ['/bin/sh', '-c', command],
        env: ['PATH=/usr/bin:/bin', 'HOME=/root'],
        cwd: '/',
        user: { uid: 0, gid: 0, supplementalGroups: [] },
        capabilities: DEFAULT_CAPABILITIES,
        ambientCapabilities: [],
        noNewPrivileges: false,
        rlimits: [],
        ...changes.process,
      },
      stdio: {
        isTty: false,
        isStdinOpen: false,
        isStdinOnce: false,
        logPath: path.join(this.folder, `${id}.log`),
        ...changes.stdio,
      },
    };
  }

  async run(command: string, changes: SpecChanges = {}): Promise<string> {
    const spec = this.spec(command, changes);
    await this.client.request('createContainer', spec);
    await this.client.request('startContainer', { containerId: spec.id });
    return spec.id;
  }

  exitOf(id: string): Promise<ProcessExit> {
    return this.#exitOf(id).promise;
  }

  /** Runs to its end and returns what it wrote to stdout, with its exit code when it failed. */
  async outputOf(command: string, changes: SpecChanges = {}): Promise<string> {
    const id = await this.run(command, changes);
    const { exitCode } = await this.exitOf(id);
    const output = this.log(id)
      .filter((line) => line.split(' ')[1] === 'stdout')
      .map((line) => line.split(' ').slice(3).join(' '))
      .join('\n');
    await this.client.request('removeContainer', { containerId: id });
    return exitCode === 0 ? output : `${output}\nexit code ${exitCode}`;
  }

  /** The records of a container's log. */
  log(id: string): readonly string[] {
    const text = readFileSync(path.join(this.folder, `${id}.log`), 'utf8');
    return text.split('\n').slice(0, -1);
  }

  /** Shuts the spawner down and asserts that nothing is left of it. */
  async stop(): Promise<void> {
    try {
      const { pid } = await this.client.request('version', {});
      await this.client.request('shutdown', {});
      await this.client.closed;
      await waitUntil(() => !existsSync(`/proc/${pid}`), 'the spawner ends');
      assert.deepEqual(this.leftovers(), []);
    } finally {
      // Also after a failure: kills what is left, so that one test does not spoil the next.
      await new Cgroups(systemClock).remove(this.cgroup);
      for (const point of this.#mounts()) spawnSync('umount', ['--lazy', point]);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Mounts below the folder, and cgroups and processes of the test. */
  leftovers(): readonly string[] {
    const cgroups = globSync(`/sys/fs/cgroup/{.,*}${this.cgroup}/*/`);
    const sockets = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.folder));
    return [...this.#mounts(), ...cgroups, ...sockets];
  }

  #mounts(): readonly string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((point) => point.startsWith(`${this.folder}/`));
  }

  #exitOf(id: string): PromiseWithResolvers<ProcessExit> {
    const known = this.#exits.get(id) ?? Promise.withResolvers<ProcessExit>();
    this.#exits.set(id, known);
    return known;
  }
}

/** Polls until it holds; fails with what was waited for after 20 s. */
export async function waitUntil(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `Waited in vain until ${what}`);
    await systemClock.after(5);
  }
}
