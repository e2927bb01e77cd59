/** The namespaces of one pod: made, pinned to files, found again, and let go. */

import type { SandboxSpec } from '../container/spec.ts';
import { mount, umount } from '../syscalls/libc.ts';
import { MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID } from '../syscalls/linux.ts';
import type { SpawnerContext } from './container.ts';
import { bootId } from './process-identity.ts';
import type { SandboxNamespaces } from './protocol.ts';
import { SandboxFiles } from './run-files.ts';
import { pinNamespaces, SANDBOX_NAMESPACES } from './sandbox-namespaces.ts';
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
      this.#pinNamespaces();
      if (spec.ipc === 'pod') {
        mount('shm', this.#files.shm, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, SHM_OPTIONS);
      }
      this.#files.record.write({ ...record, isReady: true });
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  /** Lets the network namespace go. Its containers must have ended. */
  stop(): void {
    unmountAll(this.#files.namespace('net'));
  }

  /** Its containers must be gone. */
  async remove(): Promise<void> {
    const files = SANDBOX_NAMESPACES.map((name) => this.#files.namespace(name));
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
    const { network, ipc, uts } = this.spec;
    return {
      ...(network === 'pod' && { net: this.#files.namespace('net') }),
      ...(ipc === 'pod' && { ipc: this.#files.namespace('ipc'), shm: this.#files.shm }),
      ...(uts === 'pod' && { uts: this.#files.namespace('uts') }),
    };
  }

  #pinNamespaces(): void {
    const { hostname, sysctls } = this.spec;
    const paths = this.paths();
    const pins = SANDBOX_NAMESPACES.flatMap((name) => {
      const file = paths[name];
      return file === undefined ? [] : [{ name, file }];
    });
    if (pins.length > 0) pinNamespaces({ pins, hostname, sysctls });
  }
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
