/** Puts the runtime together and runs it until the signal is aborted. */

import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { machineLayout } from '../cgroup/machine-layout.ts';
import { type CgroupStats, readCgroupStats } from '../cgroup/stats.ts';
import { HOST_IMAGE } from '../image/host-image.ts';
import { ImagePuller } from '../image/image-puller.ts';
import { ImageStore } from '../image/image-store.ts';
import { readRegistryConfig } from '../image/registry/read-config.ts';
import { EMPTY_CONFIG, type RegistryConfig } from '../image/registry/registry-config.ts';
import { BridgeNetwork } from '../network/bridge.ts';
import { CniNetwork } from '../network/cni/cni-network.ts';
import { newPluginRunner } from '../network/cni/run-plugin.ts';
import { runIp } from '../network/ip-command.ts';
import { connectPod } from '../network/pod-link.ts';
import type { PodNetwork } from '../network/pod-network.ts';
import { Containers } from '../sandbox/containers.ts';
import { EventHub } from '../sandbox/event-hub.ts';
import { Recovery } from '../sandbox/recovery.ts';
import { Runtime } from '../sandbox/runtime.ts';
import { Sandboxes } from '../sandbox/sandboxes.ts';
import { SpawnerLink } from '../sandbox/spawner-link.ts';
import { ensureSpawner } from '../spawner/launch.ts';
import { RuntimeState } from '../store/runtime-state.ts';
import { StreamingServer } from '../streaming/streaming-server.ts';
import { CriServer } from './server.ts';

export interface CniOptions {
  readonly configFolder: string;
  /** Where plugins are looked for, the first one first. */
  readonly pluginFolders: readonly string[];
}

export interface RuntimeOptions {
  /** Of the CRI server. */
  readonly socket: string;
  /** What lives as long as the node's processes. */
  readonly runDir: string;
  /** Writable layers. */
  readonly dataDir: string;
  /** Shared by the runtimes of a machine. */
  readonly imageDir: string;
  readonly cgroupRoot: string;
  readonly podCidr: string;
  /** How registries are reached; the file need not be there. */
  readonly registryConfig: string | undefined;
  /** Absent: the built-in bridge. */
  readonly cni: CniOptions | undefined;
}

/** Resolves when everything it opened is closed; containers and the spawner stay. */
export async function runRuntime(
  options: RuntimeOptions,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
  onServing: () => void,
): Promise<void> {
  const { socket, runDir, dataDir, imageDir, cgroupRoot } = options;
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await takeSocket(socket);
  const network = podNetwork(options, clock, logger);
  const images = new ImageStore(imageDir, runDir, clock);
  const spawner = new SpawnerLink(() => ensureSpawner(runDir, clock), logger);
  const runtime = new Runtime({
    state: new RuntimeState(path.join(runDir, 'cri')),
    images,
    puller: new ImagePuller({ store: images, clock, config: () => registryConfig(options) }),
    events: new EventHub(),
    spawner,
    network,
    clock,
    logger,
    readUsage: usageReader(),
    dataDir,
    cgroupRoot,
  });
  for (const file of runtime.parts.state.broken) logger.error('Could not read a record', { file });
  const containers = new Containers(runtime);
  const sandboxes = new Sandboxes(runtime, containers);
  const recovery = new Recovery(runtime, containers, sandboxes);
  const streaming = new StreamingServer(spawner, clock, logger);
  const server = new CriServer({ runtime, containers, sandboxes, streaming }, logger);

  const ready = Promise.withResolvers<void>();
  const observer = {
    onConnected: recovery.onConnected.bind(recovery),
    onEvent: containers.onEvent.bind(containers),
  };
  const linked = spawner.run(signal, observer, ready.resolve);
  await Promise.all([network.setUp(), streaming.listen(), Promise.race([ready.promise, linked])]);
  await recovery.removeLeftovers();
  await server.listen(socket);
  logger.info('Serving', { socket });
  // Makes the layer of the built-in image now rather than for the first container.
  runtime.parts.images.lowerFolders(HOST_IMAGE);
  onServing();
  try {
    await linked;
  } finally {
    server.close();
    await streaming.close();
    rmSync(socket, { force: true });
  }
}

/** The built-in bridge, or what a folder of CNI configurations says. */
function podNetwork(options: RuntimeOptions, clock: Clock, logger: Logger): PodNetwork {
  const { podCidr, runDir, cni } = options;
  if (cni !== undefined) {
    return new CniNetwork({
      configFolder: cni.configFolder,
      podCidr,
      folder: path.join(runDir, 'network', 'cni'),
      plugins: newPluginRunner(cni.pluginFolders, clock),
      logger,
    });
  }
  return new BridgeNetwork({
    podCidr,
    folder: path.join(runDir, 'network'),
    runIp,
    connectPod,
    forwardingFile: '/proc/sys/net/ipv4/ip_forward',
  });
}

function registryConfig({ registryConfig: file }: RuntimeOptions): RegistryConfig {
  return file === undefined ? EMPTY_CONFIG : readRegistryConfig(file);
}

/** Reads cgroups where this machine has them mounted. */
function usageReader(): (cgroup: string) => CgroupStats | undefined {
  const layout = machineLayout();
  return (cgroup) => (layout === undefined ? undefined : readCgroupStats(layout, cgroup));
}

/** Removes a socket that a killed runtime left; throws when one answers. */
async function takeSocket(socket: string): Promise<void> {
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const connection = net.connect(socket);
  try {
    await once(connection, 'connect');
  } catch {
    rmSync(socket, { force: true });
    return;
  } finally {
    connection.destroy();
  }
  throw new Error(`A runtime already serves at ${socket}`);
}
