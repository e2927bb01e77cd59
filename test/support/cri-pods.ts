/**
 * What tests and benches ask of any CRI runtime, ours or another: sandboxes and containers with short
 * configurations, and their states. It knows nothing of how the runtime was started.
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import type { ContainerConfig, Input, PodSandboxConfig } from '../../proto/cri/types.ts';

const DEADLINE_MS = 30_000;
const POLL_MS = 10;

export interface CriPodsOptions {
  readonly client: CriClient;
  /** Of containers that don't say otherwise. */
  readonly image: string;
  /** Sandboxes get a folder each in it. */
  readonly logDir: string;
  /** Of sandboxes that don't say otherwise. */
  readonly cgroupParent?: string;
}

export class CriPods {
  readonly #options: CriPodsOptions;
  /** By sandbox: CreateContainer repeats the configuration of the sandbox. */
  readonly #configs = new Map<string, Input<PodSandboxConfig>>();
  #uid = 0;

  constructor(options: CriPodsOptions) {
    this.#options = options;
  }

  /** A configuration for a sandbox of a new pod. */
  sandboxConfig(changes: Input<PodSandboxConfig> = {}): Input<PodSandboxConfig> {
    this.#uid += 1;
    const name = `pod-${this.#uid}`;
    const { logDir, cgroupParent } = this.#options;
    return {
      metadata: { name, namespace: 'default', uid: `uid-${this.#uid}`, attempt: 0 },
      hostname: name,
      log_directory: path.join(logDir, name),
      linux: {
        ...(cgroupParent === undefined ? {} : { cgroup_parent: cgroupParent }),
        security_context: { namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } },
      },
      ...changes,
    };
  }

  async runSandbox(changes: Input<PodSandboxConfig> = {}): Promise<string> {
    const config = this.sandboxConfig(changes);
    const { pod_sandbox_id: sandbox } = await this.#options.client.runPodSandbox({ config });
    this.#configs.set(sandbox, config);
    return sandbox;
  }

  /** With a PID namespace of its own. */
  containerConfig(
    command: readonly string[],
    changes: Input<ContainerConfig> = {},
  ): Input<ContainerConfig> {
    return {
      metadata: { name: 'main', attempt: 0 },
      image: { image: this.#options.image },
      command,
      log_path: 'main.log',
      linux: { security_context: { namespace_options: { pid: 'CONTAINER' } } },
      ...changes,
    };
  }

  async createContainer(
    sandbox: string,
    command: readonly string[],
    changes: Input<ContainerConfig> = {},
  ): Promise<string> {
    const sandboxConfig = this.#configs.get(sandbox);
    const created = await this.#options.client.createContainer({
      pod_sandbox_id: sandbox,
      config: this.containerConfig(command, changes),
      ...(sandboxConfig === undefined ? {} : { sandbox_config: sandboxConfig }),
    });
    return created.container_id;
  }

  async startContainer(
    sandbox: string,
    command: readonly string[],
    changes: Input<ContainerConfig> = {},
  ): Promise<string> {
    const id = await this.createContainer(sandbox, command, changes);
    await this.#options.client.startContainer({ container_id: id });
    return id;
  }

  async status(id: string) {
    const { status } = await this.#options.client.containerStatus({ container_id: id });
    assert.ok(status !== null);
    return status;
  }

  async waitForExit(id: string) {
    await until('the container has exited', async () => {
      return (await this.status(id)).state === 'CONTAINER_EXITED';
    });
    return this.status(id);
  }
}

/** Polls until it holds; throws when it does not within the deadline. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonicMs() + DEADLINE_MS;
  while (!(await holds())) {
    if (systemClock.monotonicMs() > deadline) throw new Error(`Waited in vain until ${what}`);
    await systemClock.after(POLL_MS);
  }
}
