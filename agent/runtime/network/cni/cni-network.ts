/**
 * Pods connected by CNI plugins: each plugin of the configuration adds its part, the result of one is
 * handed to the next. The configuration and the result of an ADD are kept until its DEL has succeeded,
 * which takes back just what was done, whatever the configuration has become.
 *
 * Source: CNI specification 1.1.0, section 3 and 4; conventions of Kubernetes for CNI_ARGS.
 */

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../../../base/logger.ts';
import type { PortMapping } from '../../../../proto/cri/types.ts';
import type { NetworkReadiness, PodAttachment, PodNetwork } from '../pod-network.ts';
import { type CniConfig, type CniPlugin, readCniConfig } from './cni-config.ts';
import type { CniResult, PluginCall, PluginRunner } from './run-plugin.ts';

const INTERFACE = 'eth0';
const NOT_READY = 'NetworkPluginNotReady';
/** Source: include/uapi/linux/magic.h. */
const NSFS_MAGIC = 0x6e736673;

export interface CniNetworkOptions {
  /** Read anew for each pod: a network may be put there while the node runs. */
  readonly configFolder: string;
  readonly podCidr: string;
  /** Where results are kept. */
  readonly folder: string;
  readonly plugins: PluginRunner;
  readonly logger: Logger;
}

interface Kept {
  readonly config: CniConfig;
  readonly pod: PodAttachment;
  readonly netns: string;
  /** Absent: the ADD has not come to its end. */
  readonly result?: CniResult;
}

export class CniNetwork implements PodNetwork {
  readonly #options: CniNetworkOptions;

  constructor(options: CniNetworkOptions) {
    this.#options = options;
  }

  /** Whether it does is the plugins' business: one without the capability lets it be. */
  readonly hasHostPorts = true;

  async setUp(): Promise<void> {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 });
  }

  readiness(): NetworkReadiness {
    const { configFolder } = this.#options;
    const notReady = (message: string): NetworkReadiness => ({
      isReady: false,
      reason: NOT_READY,
      message,
    });
    try {
      if (this.#config() !== undefined) return { isReady: true };
      return notReady(`no CNI configuration in ${configFolder}`);
    } catch (error) {
      return notReady(error instanceof Error ? error.message : String(error));
    }
  }

  async keepOnly(sandboxIds: ReadonlySet<string>): Promise<void> {
    const { folder, logger } = this.#options;
    for (const name of readdirSync(folder)) {
      const id = path.basename(name, '.json');
      if (sandboxIds.has(id)) continue;
      const kept = this.#kept(id);
      try {
        if (kept !== undefined) await this.#delete(kept);
        rmSync(path.join(folder, name));
      } catch (error) {
        logger.warn('Could not take a pod off its network', { sandbox: id, error });
      }
    }
  }

  async attach(pod: PodAttachment, netns: string): Promise<readonly string[]> {
    const config = this.#config();
    if (config === undefined) {
      throw new Error(`There is no CNI configuration in ${this.#options.configFolder}`);
    }
    const kept: Kept = { config, pod, netns };
    // First: what a crash leaves half done must be found.
    this.#keep(kept);
    try {
      const result = await this.#add(kept);
      this.#keep({ ...kept, result });
      return addressesOf(result);
    } catch (error) {
      await this.detach(pod.sandboxId).catch((failure: unknown) =>
        this.#options.logger.warn('Could not undo an ADD', { sandbox: pod.sandboxId, failure }),
      );
      throw error;
    }
  }

  async detach(sandboxId: string): Promise<void> {
    const kept = this.#kept(sandboxId);
    if (kept === undefined) return;
    await this.#delete(kept);
    rmSync(this.#file(sandboxId), { force: true });
  }

  async #add({ config, pod, netns }: Kept): Promise<CniResult> {
    let prevResult: CniResult | undefined;
    for (const plugin of config.plugins) {
      const input = inputOf(config, plugin, pod, prevResult);
      const call = callOf('ADD', pod, netns);
      prevResult = (await this.#options.plugins.run(plugin.type, call, input)) ?? prevResult;
    }
    return prevResult ?? {};
  }

  /** In the opposite order; the first that fails ends it, and it is tried again from the start. */
  async #delete({ config, pod, netns: pinned, result }: Kept): Promise<void> {
    const netns = isNamespace(pinned) ? pinned : '';
    for (const plugin of config.plugins.toReversed()) {
      const input = inputOf(config, plugin, pod, result);
      await this.#options.plugins.run(plugin.type, callOf('DEL', pod, netns), input);
    }
  }

  /** Throws also when a plugin is missing: an ADD that can't come to its end is not begun. */
  #config(): CniConfig | undefined {
    const { configFolder, podCidr, plugins } = this.#options;
    const config = readCniConfig(configFolder, podCidr);
    for (const { type } of config?.plugins ?? []) plugins.assertThere(type);
    return config;
  }

  #file(sandboxId: string): string {
    return path.join(this.#options.folder, `${sandboxId}.json`);
  }

  #keep(kept: Kept): void {
    const file = this.#file(kept.pod.sandboxId);
    writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #kept(sandboxId: string): Kept | undefined {
    try {
      // Written by this class only.
      return JSON.parse(readFileSync(this.#file(sandboxId), 'utf8')) as Kept;
    } catch {
      return undefined; // There is none, or it was torn before anything was done.
    }
  }
}

/** The plugin's own configuration with what it can make use of at run time. */
function inputOf(
  { cniVersion, name }: CniConfig,
  plugin: CniPlugin,
  pod: PodAttachment,
  prevResult: CniResult | undefined,
): object {
  const runtimeConfig = runtimeConfigOf(plugin, pod);
  const { capabilities: _, ...own } = plugin;
  return {
    ...own,
    cniVersion,
    name,
    ...(runtimeConfig !== undefined && { runtimeConfig }),
    ...(prevResult !== undefined && { prevResult }),
  };
}

/** What the plugin has declared to know. Source: CNI conventions, "Dynamic plugin specific fields". */
function runtimeConfigOf(plugin: CniPlugin, pod: PodAttachment): object | undefined {
  const mappings = pod.portMappings.filter(({ host_port }) => host_port > 0);
  if (plugin.capabilities?.portMappings !== true || mappings.length === 0) return undefined;
  return { portMappings: mappings.map(portMapping) };
}

function portMapping({ host_port, container_port, protocol, host_ip }: PortMapping): object {
  return {
    hostPort: host_port,
    containerPort: container_port,
    protocol: protocol.toLowerCase(),
    ...(host_ip !== '' && { hostIP: host_ip }),
  };
}

function callOf(command: PluginCall['command'], pod: PodAttachment, netns: string): PluginCall {
  const { name, namespace, uid } = pod.metadata;
  return {
    command,
    containerId: pod.sandboxId,
    netns,
    interfaceName: INTERFACE,
    args: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', namespace],
      ['K8S_POD_NAME', name],
      ['K8S_POD_INFRA_CONTAINER_ID', pod.sandboxId],
      ['K8S_POD_UID', uid],
    ],
  };
}

/** The file outlives the namespace that was pinned to it. */
function isNamespace(file: string): boolean {
  try {
    return statfsSync(file).type === NSFS_MAGIC;
  } catch {
    return false; // It is gone.
  }
}

/** Without their prefix lengths. */
function addressesOf({ ips = [] }: CniResult): readonly string[] {
  return ips.map(({ address }) => address.split('/')[0] ?? '').filter((address) => address !== '');
}
