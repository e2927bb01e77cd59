/**
 * One node for real: an API server, a runtime and an agent as processes in a network namespace of
 * their own, joined to the test by a veth pair. Nothing of it is left after `close`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ensureClusterPki,
  issueServingCertificate,
  writeKubeconfig,
} from '../../../apiserver/auth/pki.ts';
import { systemClock } from '../../../base/clock.ts';
import { loadKubeconfig } from '../../../client/kubeconfig.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { namespaces, pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import { type CriClient, newCriClient } from '../../../proto/cri/client.ts';
import { eventually } from '../../support/eventually.ts';
import { mustRun, runCommand } from '../../support/run-command.ts';

export const NODE = 'node-1';
export const AGENT_PORT = 10250;
const API_PORT = 6443;

type Part = 'apiserver' | 'runtime' | 'agent';

export class NodeHarness {
  readonly name: string;
  readonly folder: string;
  readonly hostIp: string;
  readonly nodeIp: string;
  readonly podCidr: string;
  client!: RestClient;
  cri!: CriClient;
  readonly #children = new Map<Part, ChildProcess>();

  private constructor(folder: string) {
    const id = randomBytes(3);
    this.name = `skt-agent-${id.toString('hex')}`;
    this.folder = folder;
    const third = id[0] ?? 0;
    const fourth = ((id[1] ?? 0) % 60) * 4;
    this.hostIp = `10.213.${third}.${fourth + 1}`;
    this.nodeIp = `10.213.${third}.${fourth + 2}`;
    this.podCidr = `10.214.${third}.0/24`;
  }

  static async create(): Promise<NodeHarness> {
    const harness = new NodeHarness(await mkdtemp(path.join(os.tmpdir(), 'skt-agent-')));
    try {
      await harness.#start();
    } catch (error) {
      await harness.close();
      throw error;
    }
    return harness;
  }

  get cgroupRoot(): string {
    return `/${this.name}`;
  }

  get pki(): string {
    return path.join(this.folder, 'pki');
  }

  get agentData(): string {
    return path.join(this.folder, 'agent');
  }

  async #start(): Promise<void> {
    await this.#makeNetwork();
    const nowMs = systemClock.wallMs();
    const { ca } = await ensureClusterPki(this.pki, { sans: [this.nodeIp], nowMs });
    const kubeconfig = (name: string, user: string, groups: readonly string[]): Promise<void> =>
      writeKubeconfig(path.join(this.pki, `${name}.kubeconfig`), ca, {
        server: `https://${this.nodeIp}:${API_PORT}`,
        contextName: this.name,
        ...{ user, groups, nowMs },
      });
    await kubeconfig('admin', 'admin', ['system:masters']);
    await kubeconfig(NODE, `system:node:${NODE}`, ['system:nodes']);
    await issueServingCertificate(this.pki, ca, { name: NODE, sans: [this.nodeIp], nowMs });
    this.start('apiserver');
    this.start('runtime');
    const connection = await loadKubeconfig(path.join(this.pki, 'admin.kubeconfig'));
    this.client = new RestClient({ connection, clock: systemClock, userAgent: 'test' });
    this.cri = newCriClient(path.join(this.folder, 'run/runtime.sock'), systemClock);
    await eventually('API server', () => this.client.list(namespaces));
    const metadata = { namespace: 'default', name: 'default' };
    await eventually('service account', () => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata } as const;
      return this.client.create(serviceaccounts, account);
    });
    this.start('agent');
  }

  /** Starts a process in the node's namespace; its output is in `PART.log`. */
  start(part: Part): void {
    const entry = part === 'runtime' ? 'agent/runtime/main.ts' : `${part}/main.ts`;
    const args = ['--disable-warning=ExperimentalWarning', entry, ...this.#flags(part)];
    const command = [`--net=/run/netns/${this.name}`, '--', process.execPath, ...args];
    const child = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(path.join(this.folder, `${part}.log`), { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    this.#children.set(part, child);
  }

  async stop(part: Part, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(part);
    if (child === undefined) return;
    this.#children.delete(part);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = Promise.withResolvers<void>();
    child.once('exit', () => ended.resolve());
    child.kill(signal);
    await ended.promise;
  }

  log(part: Part): string {
    return readFileSync(path.join(this.folder, `${part}.log`), 'utf8');
  }

  /** Waits until the pod is as said, and gives it. */
  pod(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> {
    return eventually(`pod ${name}: ${what}`, async () => {
      const pod = await this.client.get(pods, { namespace: 'default', name });
      if (holds(pod)) return pod;
      throw new Error(JSON.stringify(pod.status, null, 2));
    });
  }

  /** All cgroups of this node, in all trees. */
  async cgroupFolders(): Promise<readonly string[]> {
    return this.#cgroups().flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((n) => path.join(folder, n)),
    );
  }

  /** Whatever of this node can still be found. */
  async leftovers(): Promise<readonly string[]> {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const links = await mustRun('ip', ['-o', 'link']);
    return [
      ...mounts.filter((line) => line.includes(this.folder) || line.includes(this.name)),
      ...this.#processes().map(({ pid, command }) => `process ${pid} ${command}`),
      ...links.split('\n').filter((line) => line.includes(this.#device)),
      ...this.#cgroups(),
    ];
  }

  async close(): Promise<void> {
    this.client?.close();
    this.cri?.close();
    for (const part of ['agent', 'runtime', 'apiserver'] as const) {
      await this.stop(part, 'SIGKILL');
    }
    for (const { pid } of this.#processes()) process.kill(pid, 'SIGKILL');
    await eventually('processes gone', () => this.#processes().length === 0);
    await runCommand('ip', ['netns', 'del', this.name]);
    await runCommand('ip', ['link', 'del', this.#device]);
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n').toReversed();
    for (const line of mounts.filter((each) => each.includes(this.folder))) {
      await runCommand('umount', ['--lazy', line.split(' ')[1] ?? '']);
    }
    for (const folder of this.#cgroups()) {
      const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
      const folders = paths.filter((entry) => entry.isDirectory());
      const below = folders.map((entry) => path.join(entry.parentPath, entry.name));
      const deepestFirst = below.sort((a, b) => b.length - a.length);
      await runCommand('rmdir', [...deepestFirst, folder]);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  get #device(): string {
    return this.name.replace('agent-', 'a');
  }

  #cgroups(): string[] {
    const trees = ['', ...readdirSync('/sys/fs/cgroup')].map((t) => path.join('/sys/fs/cgroup', t));
    return trees.map((tree) => path.join(tree, this.name)).filter((folder) => isFolder(folder));
  }

  /** Those that live in the node's folder: the spawner and what it started. */
  #processes(): { readonly pid: number; readonly command: string }[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .flatMap((entry) => {
        const command = readText(`/proc/${entry}/cmdline`).replaceAll('\0', ' ');
        const cgroup = readText(`/proc/${entry}/cgroup`);
        // The spawner has another title; its log is its output.
        const output = readLink(`/proc/${entry}/fd/1`);
        const isOurs =
          command.includes(this.folder) ||
          output.startsWith(this.folder) ||
          cgroup.includes(this.cgroupRoot);
        return isOurs ? [{ pid: Number(entry), command }] : [];
      });
  }

  async #makeNetwork(): Promise<void> {
    const peer = `${this.#device}p`;
    await mustRun('ip', ['netns', 'add', this.name]);
    await mustRun('ip', ['link', 'add', this.#device, 'type', 'veth', 'peer', 'name', peer]);
    await mustRun('ip', ['link', 'set', peer, 'netns', this.name]);
    await mustRun('ip', ['addr', 'add', `${this.hostIp}/30`, 'dev', this.#device]);
    await mustRun('ip', ['link', 'set', this.#device, 'up']);
    const inside = (...args: string[]): Promise<string> =>
      mustRun('ip', ['-n', this.name, ...args]);
    await inside('addr', 'add', `${this.nodeIp}/30`, 'dev', peer);
    await inside('link', 'set', peer, 'up');
    await inside('link', 'set', 'lo', 'up');
  }

  #flags(part: Part): readonly string[] {
    const at = (...parts: string[]): string => path.join(this.folder, ...parts);
    const pki = ['--pki-dir', this.pki];
    const pod = ['--cgroup-root', this.cgroupRoot, '--pod-cidr', this.podCidr];
    const socket = at('run/runtime.sock');
    switch (part) {
      case 'apiserver':
        return [
          ...['--bind-address', this.nodeIp, '--secure-port', String(API_PORT), ...pki],
          ...['--store', 'embedded', '--data-dir', at('store'), '--service-cidr', '10.215.0.0/16'],
        ];
      case 'runtime':
        return [
          ...['--socket', socket, '--run-dir', at('run'), '--data-dir', at('runtime')],
          ...['--image-dir', at('images'), ...pod],
        ];
      case 'agent':
        return [
          ...['--kubeconfig', at('pki', `${NODE}.kubeconfig`), '--node-name', NODE, ...pki],
          ...['--node-ip', this.nodeIp, '--port', String(AGENT_PORT)],
          ...['--data-dir', this.agentData, '--runtime-endpoint', `unix://${socket}`, ...pod],
          ...['--cpu-milli', '2000', '--memory-bytes', String(2 ** 31), '--log-level', 'debug'],
        ];
    }
  }
}

function isFolder(folder: string): boolean {
  try {
    return readdirSync(folder).length >= 0;
  } catch {
    return false;
  }
}

function readLink(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
