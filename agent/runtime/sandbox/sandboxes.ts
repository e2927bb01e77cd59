/**
 * The life of sandboxes: namespaces from the spawner, an address from the network, the pod's files.
 * What fails half way is undone; what cannot be undone stays listed as not ready, so that the client
 * stops and removes it again.
 */

import path from 'node:path';
import { CriError, type RunPodSandboxRequest } from '../../../proto/cri/rpcs.ts';
import type { PodSandboxConfig, PodSandboxMetadata } from '../../../proto/cri/types.ts';
import type { SandboxSpec, SharedPidNamespace } from '../container/spec.ts';
import { isCgroupPath } from '../container/validate-spec.ts';
import { SpawnerError } from '../spawner/client.ts';
import { isOnNodeNetwork, type SandboxRecord, sandboxName } from '../store/sandbox-record.ts';
import { sandboxNamespaces } from './container-spec.ts';
import type { Containers } from './containers.ts';
import { removePodFiles, writePodFiles } from './pod-files.ts';
import { cgroupResources } from './resources.ts';
import type { Runtime } from './runtime.ts';
import { seccompFilter } from './seccomp.ts';
import { asCri, criErrorOf } from './spawner-link.ts';
import { hasUserNamespaces, userNamespace } from './user-namespace.ts';

/** HOST_NAME_MAX of Linux. */
const HOSTNAME_BYTES_MAX = 64;

export class Sandboxes {
  readonly #runtime: Runtime;
  readonly #containers: Containers;

  constructor(runtime: Runtime, containers: Containers) {
    this.#runtime = runtime;
    this.#containers = containers;
  }

  /** Returns its id. */
  async run({ config, runtime_handler }: RunPodSandboxRequest): Promise<string> {
    const { state, network } = this.#runtime.parts;
    const { checked, metadata } = checkedConfig(config, runtime_handler, network.hasHostPorts);
    const name = sandboxName(metadata);
    const owner = state.ownerOf(`pod ${name}`);
    if (owner !== undefined) {
      throw new CriError('ALREADY_EXISTS', `the name "${name}" is reserved for sandbox ${owner}`);
    }
    const record: SandboxRecord = {
      id: this.#runtime.newId(),
      metadata,
      config: checked,
      runtimeHandler: runtime_handler,
      createdAtNs: this.#runtime.nowNs(),
      phase: 'creating',
      ip: '',
      isNetworkAttached: !isOnNodeNetwork(checked),
    };
    this.#runtime.inFlight.add(record.id);
    this.#runtime.putSandbox(record);
    try {
      await this.#runtime.lock.run(record.id, () => this.#make(record));
      return record.id;
    } catch (error) {
      await this.#undoAfterFailure(record);
      throw error instanceof SpawnerError ? criErrorOf(error) : error;
    } finally {
      this.#runtime.inFlight.delete(record.id);
    }
  }

  /** Kills its containers and releases its address. Unknown: done already. */
  async stop(id: string): Promise<void> {
    const record = this.#runtime.parts.state.sandbox(id);
    if (record === undefined) return;
    await this.#runtime.lock.run(record.id, () => this.#stop(record.id));
  }

  /** Stops it, and removes its containers and everything it had. Unknown: done already. */
  async remove(id: string): Promise<void> {
    const record = this.#runtime.parts.state.sandbox(id);
    if (record === undefined) return;
    await this.#runtime.lock.run(record.id, async () => {
      const { state } = this.#runtime.parts;
      await this.#stop(record.id);
      for (const container of state.containersOf(record.id)) {
        await this.#containers.removeLocked(container.id);
      }
      await this.#takeApart(state.sandbox(record.id));
    });
  }

  /** Takes a sandbox apart that was never shown to anybody. */
  async undoRun(record: SandboxRecord): Promise<void> {
    if (record.isNetworkAttached) await this.#runtime.parts.network.detach(record.id);
    await this.#takeApart(record);
  }

  async #make(record: SandboxRecord): Promise<void> {
    const { spawner, network, cgroupRoot } = this.#runtime.parts;
    const spec = sandboxSpec(record, cgroupRoot);
    const namespaces = await spawner.client.request('createSandbox', spec);
    const { config, metadata } = record;
    const pod = { sandboxId: record.id, metadata, portMappings: config.port_mappings };
    const [ip = '', ...additionalIps] =
      namespaces.net === undefined ? [] : await network.attach(pod, namespaces.net);
    writePodFiles({
      folder: this.#runtime.sandboxFolder(record.id),
      hostname: config.hostname,
      ip,
      dns: config.dns_config,
    });
    this.#runtime.putSandbox({ ...record, ip, additionalIps, phase: 'ready' });
  }

  async #stop(id: string): Promise<void> {
    const { state, network, spawner } = this.#runtime.parts;
    const record = state.sandbox(id);
    if (record === undefined) return;
    // Written first: from here on no container is created or started in it.
    if (record.phase !== 'notready') this.#runtime.putSandbox({ ...record, phase: 'notready' });
    const containers = state.containersOf(id);
    await Promise.all(containers.map((container) => this.#containers.kill(container.id)));
    if (!record.isNetworkAttached) return;
    await network.detach(id);
    await asCri(spawner.client.request('stopSandbox', { sandboxId: id }));
    this.#runtime.putSandbox({ ...record, phase: 'notready', isNetworkAttached: false });
  }

  async #takeApart(record: SandboxRecord | undefined): Promise<void> {
    if (record === undefined) return;
    const { spawner } = this.#runtime.parts;
    await asCri(spawner.client.request('removeSandbox', { sandboxId: record.id }));
    removePodFiles(this.#runtime.sandboxFolder(record.id));
    const { cgroupRoot } = this.#runtime.parts;
    this.#runtime.cpuRates.forget(cgroupParentOf(record, cgroupRoot));
    this.#runtime.deleteSandbox(record);
  }

  async #undoAfterFailure(record: SandboxRecord): Promise<void> {
    try {
      await this.undoRun(record);
    } catch (error) {
      this.#runtime.parts.logger.warn('Left a half-made sandbox for the client to remove', {
        sandbox: record.id,
        error,
      });
      this.#runtime.putSandbox({ ...record, phase: 'notready' });
    }
  }
}

/** The cgroup below which the pod's containers are. */
export function cgroupParentOf(sandbox: SandboxRecord, cgroupRoot: string): string {
  const given = sandbox.config.linux?.cgroup_parent ?? '';
  return given === '' ? path.posix.join(cgroupRoot, `pod-${sandbox.id}`) : given;
}

function sandboxSpec(record: SandboxRecord, cgroupRoot: string): SandboxSpec {
  const { config } = record;
  const resources = cgroupResources(config.linux?.resources ?? null);
  // A parent that was given is the client's to make, to limit and to remove.
  const hasSharedPid = config.linux?.security_context?.namespace_options?.pid === 'POD';
  const isOwnCgroup = (config.linux?.cgroup_parent ?? '') === '';
  return {
    id: record.id,
    ...sandboxNamespaces(record),
    hostname: config.hostname,
    sysctls: config.linux?.sysctls ?? {},
    ...(hasSharedPid ? { sharedPid: sharedPid(record, cgroupRoot) } : {}),
    ...(isOwnCgroup ? { cgroup: { path: cgroupParentOf(record, cgroupRoot), resources } } : {}),
  };
}

function sharedPid(record: SandboxRecord, cgroupRoot: string): SharedPidNamespace {
  const context = record.config.linux?.security_context ?? null;
  const seccomp = seccompFilter(context, []);
  return {
    cgroupPath: path.posix.join(cgroupParentOf(record, cgroupRoot), record.id),
    ...(seccomp === undefined ? {} : { seccomp }),
  };
}

function checkedConfig(
  config: PodSandboxConfig | null,
  runtimeHandler: string,
  hasHostPorts: boolean,
): { readonly checked: PodSandboxConfig; readonly metadata: PodSandboxMetadata } {
  const invalid = (message: string): never => {
    throw new CriError('INVALID_ARGUMENT', message);
  };
  const unimplemented = (what: string): never => {
    throw new CriError('UNIMPLEMENTED', `not implemented: ${what}`);
  };
  const metadata = config?.metadata;
  if (config === null || metadata === null || metadata === undefined) {
    return invalid('the sandbox has no metadata');
  }
  if (metadata.name === '' || metadata.uid === '' || metadata.namespace === '') {
    return invalid('the sandbox needs a name, a namespace and a uid');
  }
  if (runtimeHandler !== '') return invalid(`no runtime for "${runtimeHandler}" is configured`);
  if (Buffer.byteLength(config.hostname) > HOSTNAME_BYTES_MAX) {
    return invalid(`the hostname is longer than ${HOSTNAME_BYTES_MAX} bytes`);
  }
  const parent = config.linux?.cgroup_parent ?? '';
  if (parent !== '' && !isCgroupPath(parent)) {
    return invalid(
      `cgroup parent "${parent}" is no absolute path: the driver is cgroupfs, and the names of ` +
        'systemd, as kubepods-podX.slice, are not its',
    );
  }
  const options = config.linux?.security_context?.namespace_options;
  if (userNamespace(options ?? null) !== undefined && !hasUserNamespaces()) {
    return unimplemented('user namespaces on this kernel');
  }
  const hostPort = config.port_mappings.find((mapping) => mapping.host_port > 0);
  if (hostPort !== undefined && !hasHostPorts && !isOnNodeNetwork(config)) {
    return unimplemented(`host port ${hostPort.host_port}`);
  }
  return { checked: config, metadata };
}
