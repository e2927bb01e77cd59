/**
 * Debian's containerd with runc and the CNI bridge plugin, as the reference of the CRI: in a network
 * namespace of its own, with folders and cgroups of its own, and an image made of busybox. It is
 * taken apart in the end, with nothing left.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { type CriClient, newCriClient } from '../../proto/cri/client.ts';
import { CriPods, until } from './cri-pods.ts';
import { BOX_FILES, makeDockerArchive } from './image-archive.ts';
import { cgroupsOf, leftoversOf } from './runtime-node.ts';

const PAUSE_IMAGE = 'localhost/pause:1';
const CNI_PLUGINS = '/usr/lib/cni';
const NEEDED = ['/usr/bin/containerd', '/usr/sbin/runc', path.join(CNI_PLUGINS, 'bridge')];

/** Why there is no containerd to compare with; false when there is. */
export function containerdIsNotHere(): string | false {
  const missing = NEEDED.find((file) => !existsSync(file));
  return missing === undefined ? false : `needs containerd, and ${missing} is not there`;
}

export class ContainerdNode {
  readonly name = `skt-ctd-${randomBytes(4).toString('hex')}`;
  readonly folder = mkdtempSync(path.join(tmpdir(), `${this.name}-`));
  readonly client: CriClient;
  readonly pods: CriPods;
  /** By reference, of `pods`. */
  readonly image: string;
  #process: ChildProcess | undefined;

  constructor(image = 'localhost/box:1') {
    this.image = image;
    this.client = newCriClient(this.socket, systemClock);
    this.pods = new CriPods({
      client: this.client,
      image,
      logDir: path.join(this.folder, 'logs'),
      cgroupParent: `/${this.name}`,
    });
  }

  get socket(): string {
    return path.join(this.folder, 'containerd.sock');
  }

  /** Resolves when it answers and has its images. */
  async start(): Promise<void> {
    execFileSync('ip', ['netns', 'add', this.name]);
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
    this.#writeConfig();
    const log = openSync(path.join(this.folder, 'containerd.log'), 'a');
    const config = path.join(this.folder, 'config.toml');
    const args = [`--net=/run/netns/${this.name}`, '--', 'containerd', '-c', config];
    this.#process = spawn('nsenter', args, { stdio: ['ignore', log, log] });
    await until('containerd answers', () => this.#isReady());
    this.#import(PAUSE_IMAGE, ['/bin/sleep', '1000000']);
    this.#import(this.image, ['/bin/sh']);
    await until('containerd knows the image', async () => {
      const { image } = await this.client.imageStatus({ image: { image: this.image } });
      return image !== null;
    });
  }

  /** Ends everything and removes it; fails when something of it is left. */
  async close(): Promise<void> {
    const { items } = await this.client.listPodSandbox({});
    await Promise.all(
      items.map(async ({ id }) => {
        await this.client.stopPodSandbox({ pod_sandbox_id: id });
        await this.client.removePodSandbox({ pod_sandbox_id: id });
      }),
    );
    this.client.close();
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    execFileSync('ip', ['netns', 'delete', this.name]);
    const left = await leftoversOf(this.name);
    for (const cgroup of cgroupsOf(this.name).toReversed()) execFileSync('rmdir', [cgroup]);
    rmSync(this.folder, { recursive: true, force: true });
    assert.deepEqual(left, []);
  }

  async #isReady(): Promise<boolean> {
    if (!existsSync(this.socket)) return false;
    try {
      const { status } = await this.client.status({}, { timeoutMs: 1_000 });
      return status?.conditions.every((condition) => condition.status) === true;
    } catch {
      return false;
    }
  }

  #import(name: string, command: readonly string[]): void {
    const folder = path.join(this.folder, 'image');
    mkdirSync(folder);
    const archive = makeDockerArchive(folder, {
      name,
      config: { Cmd: command },
      files: BOX_FILES,
    });
    execFileSync('ctr', ['-a', this.socket, '-n', 'k8s.io', 'images', 'import', archive]);
    rmSync(folder, { recursive: true });
  }

  #writeConfig(): void {
    const cri = 'plugins."io.containerd.grpc.v1.cri"';
    writeFileSync(
      path.join(this.folder, 'config.toml'),
      `version = 2
root = "${this.folder}/root"
state = "${this.folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "${this.socket}"
[${cri}]
sandbox_image = "${PAUSE_IMAGE}"
stream_server_address = "127.0.0.1"
stream_server_port = "0"
restrict_oom_score_adj = true
[${cri}.containerd]
snapshotter = "overlayfs"
[${cri}.cni]
bin_dir = "${CNI_PLUGINS}"
conf_dir = "${this.folder}/cni"
`,
    );
    const ipam = {
      type: 'host-local',
      dataDir: path.join(this.folder, 'ipam'),
      ranges: [[{ subnet: '10.233.0.0/16' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    };
    const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipam };
    const network = { cniVersion: '0.4.0', name: this.name, plugins: [bridge] };
    mkdirSync(path.join(this.folder, 'cni'));
    writeFileSync(path.join(this.folder, 'cni', '10-bridge.conflist'), JSON.stringify(network));
  }
}
