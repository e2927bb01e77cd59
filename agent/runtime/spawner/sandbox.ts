/** The namespaces of one pod: made, pinned to files, found again, and let go. */

import { writeFileSync } from 'node:fs';
import { runSandboxChild } from '../container/sandbox-child.ts';
import type { SandboxSpec, UserNamespace } from '../container/spec.ts';
import { mount, umount } from '../syscalls/libc.ts';
import {
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
} from '../syscalls/linux.ts';
import type { SpawnerContext } from './container.ts';
import { bootId } from './process-identity.ts';
import type { SandboxNamespaces } from './protocol.ts';
import { PINNED_NAMESPACES, type PinnedNamespace, SandboxFiles } from './run-files.ts';
import {
  NAMESPACE_FLAGS,
  type PinRequest,
  pinNamespaces,
  SANDBOX_NAMESPACES,
} from './sandbox-namespaces.ts';
import type { SandboxPaths } from './start-plan.ts';

/** As containerd's and Docker's. */
const SHM_OPTIONS = 'mode=1777,size=65536k';

export class Sandbox {
  readonly spec: SandboxSpec;
  readonly #files: SandboxFiles;
  readonly #context: SpawnerContext;

  constructor(spec: SandboxSpec, context: SpawnerContext) {
    this.spec = spec;
    this.#files = new SandboxFiles(context.runDir, spec.id);
    this.#context = context;
  }

  /** Throws; nothing is left then. */
  async create(): Promise<void> {
    const { spec } = this;
    const record = { spec, bootId: bootId() };
    try {
      this.#files.make();
      this.#files.record.write({ ...record, isReady: false });
      if (spec.cgroup !== undefined) {
        this.#context.cgroups.create(spec.cgroup.path, spec.cgroup.resources);
      }
      await this.#makeNamespaces();
      if (spec.ipc === 'pod') {
        const owner = spec.user && `,uid=${spec.user.uids.hostId},gid=${spec.user.gids.hostId}`;
        const options = `${SHM_OPTIONS}${owner ?? ''}`;
        mount('shm', this.#files.shm, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, options);
      }
      this.#files.record.write({ ...record, isReady: true });
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  /** Lets the network namespace go. Its containers must have ended. */
  async stop(): Promise<void> {
    const { sharedPid } = this.spec;
    if (sharedPid !== undefined) await this.#context.cgroups.remove(sharedPid.cgroupPath);
    unmountAll(this.#files.namespace('net'));
  }

  /** Its containers must be gone. */
  async remove(): Promise<void> {
    const { sharedPid } = this.spec;
    if (sharedPid !== undefined) await this.#context.cgroups.remove(sharedPid.cgroupPath);
    const files = PINNED_NAMESPACES.map((name) => this.#files.namespace(name));
    for (const file of [...files, this.#files.shm]) unmountAll(file);
    if (this.spec.cgroup !== undefined) await this.#context.cgroups.remove(this.spec.cgroup.path);
    this.#files.remove();
  }

  namespaces(): SandboxNamespaces {
    const { net, ipc, uts } = this.paths();
    return {
      sandboxId: this.spec.id,
      ...(net !== undefined && { net }),
      ...(ipc !== undefined && { ipc }),
      ...(uts !== undefined && { uts }),
    };
  }

  paths(): SandboxPaths {
    const { network, ipc, uts, user, sharedPid } = this.spec;
    const file = (name: PinnedNamespace): string => this.#files.namespace(name);
    return {
      ...(network === 'pod' && { net: file('net') }),
      ...(ipc === 'pod' && { ipc: file('ipc'), shm: this.#files.shm }),
      ...(uts === 'pod' && { uts: file('uts') }),
      ...(user !== undefined && { user: file('user') }),
      ...(sharedPid !== undefined && { pid: file('pid') }),
    };
  }

  async #makeNamespaces(): Promise<void> {
    const { hostname, sysctls, user, sharedPid } = this.spec;
    const paths = this.paths();
    const pins = SANDBOX_NAMESPACES.flatMap((name) => {
      const file = paths[name];
      return file === undefined ? [] : [{ name, file }];
    });
    if (user !== undefined || sharedPid !== undefined) await this.#spawnChild(pins);
    else if (pins.length > 0) pinNamespaces({ pins, hostname, sysctls });
  }

  /** A process that is born in the namespaces, and stays when it has a PID namespace to keep. */
  async #spawnChild(pins: PinRequest['pins']): Promise<void> {
    const { spawner, cgroups } = this.#context;
    const { hostname, sysctls, user, sharedPid } = this.spec;
    const names = pins.map(({ name }) => name);
    const settings = { names, hostname, sysctls };
    const flags = names.reduce((all, name) => all | NAMESPACE_FLAGS[name], 0);
    if (sharedPid !== undefined) cgroups.create(sharedPid.cgroupPath, { pidsLimit: 1 });
    const child = await spawner.spawn({
      namespaceFlags:
        flags |
        (user === undefined ? 0 : CLONE_NEWUSER) |
        (sharedPid === undefined ? 0 : CLONE_NEWPID | CLONE_NEWNS),
      run: (pipes) =>
        runSandboxChild({
          ...pipes,
          settings,
          hasUserNamespace: user !== undefined,
          capabilities: user === undefined ? spawner.capabilities : spawner.allCapabilities,
          ...(sharedPid !== undefined && { init: sharedPid }),
        }),
      onReady: (pid) => {
        if (user !== undefined) mapIds(pid, user);
        if (sharedPid !== undefined) cgroups.join(sharedPid.cgroupPath, pid);
        for (const name of PINNED_NAMESPACES) {
          const file = this.paths()[name];
          if (file !== undefined) mount(`/proc/${pid}/ns/${name}`, file, null, MS_BIND, null);
        }
      },
    });
    spawner.release(child);
  }
}

/** Source: user_namespaces(7). */
function mapIds(pid: number, { uids, gids }: UserNamespace): void {
  writeFileSync(`/proc/${pid}/uid_map`, `0 ${uids.hostId} ${uids.length}\n`);
  writeFileSync(`/proc/${pid}/gid_map`, `0 ${gids.hostId} ${gids.length}\n`);
}

/** Also what an interrupted attempt has put there twice. */
function unmountAll(file: string): void {
  for (;;) {
    try {
      umount(file, MNT_DETACH);
    } catch {
      return; // Nothing is mounted there (any more).
    }
  }
}
