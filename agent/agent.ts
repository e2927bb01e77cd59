/**
 * The agent: everything a node does, put together. It owns no state that must survive: what runs is
 * in the runtime, what should run is in the API.
 */

import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import { Informer } from '../client/informer.ts';
import type { Pod, Service } from '../proto/api/gen/core-v1.ts';
import { nodes, pods, services } from '../proto/api/gen/resources.ts';
import type { CriClient } from '../proto/cri/client.ts';
import { AgentPaths } from './agent-paths.ts';
import { PodCgroups } from './cgroup/pod-cgroups.ts';
import { RuntimeIdentity } from './cri/runtime-identity.ts';
import { ImageManager } from './images/image-manager.ts';
import { PullCredentials } from './images/pull-credentials.ts';
import { readMachineFacts, readPressure } from './node/machine-facts.ts';
import { keepNodeLease } from './node/node-lease.ts';
import { type NodeFacts, type NodeVerdict, nodeVerdicts } from './node/node-object.ts';
import { NodeRegistration } from './node/node-registration.ts';
import { NodeRoutes } from './node/node-routes.ts';
import { parseResolvConf, podDns } from './pod/pod-dns.ts';
import { ProbeManager } from './probes/probe-manager.ts';
import { newHookRunner } from './probes/run-hook.ts';
import { newProbeRunner } from './probes/run-probe.ts';
import type { RunTool } from './run-tool.ts';
import { AgentServer } from './server/agent-server.ts';
import { Housekeeping } from './sync/housekeeping.ts';
import { Pleg } from './sync/pleg.ts';
import type { PodContext } from './sync/pod-context.ts';
import { PodWorkers } from './sync/pod-workers.ts';
import { StatusManager } from './sync/status-manager.ts';
import { UserNamespaces } from './user-namespaces/user-namespaces.ts';
import { Mounts } from './volumes/mounts.ts';
import { References } from './volumes/references.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

export interface AgentOptions {
  readonly client: Client;
  readonly cri: CriClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runTool: RunTool;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  readonly dataDir: string;
  readonly cgroupRoot: string;
  readonly podCidr: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly maxPods: number;
}

/** The runtime's list must not be older than this, in milliseconds, for the node to be Ready. */
const LIST_AGE_MAX_MS = 180_000;
const CLUSTER_DOMAIN = 'cluster.local';
const RUNTIME_TIMEOUT_MS = 2_000;

/** Runs until the signal is aborted; the node's pods go on. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { client, cri, clock, logger, nodeName } = options;
  const dependencies = { client, clock, logger };
  const events = new EventRecorder({ ...dependencies, component: 'kubelet', host: nodeName });
  const podInformer = new Informer(dependencies, pods, {
    fieldSelector: `spec.nodeName=${nodeName}`,
  });
  const serviceInformer = new Informer(dependencies, services);
  const nodeInformer = new Informer(dependencies, nodes);
  const resolvConf = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const runtime = new RuntimeIdentity();
  const { context, workers } = newPodWork(
    ...([options, events, serviceInformer, resolvConf, runtime, signal] as const),
  );
  const pleg = new Pleg({
    ...{ cri, clock, logger },
    onPod: (uid, event) => workers.notice(uid, event),
    onReconnect: () => workers.wakeAll(),
  });
  const podsOfNode = (): readonly Pod[] =>
    podInformer.list().map((pod) => context.statuses.current(pod));
  const { ca, cert, key } = options.tls;
  const server = new AgentServer({
    ...{ host: options.nodeIp, port: options.port, ca, cert, key, cri, clock, logger },
    pods: podsOfNode,
  });
  const port = await server.listen();
  const facts = await nodeFacts(options, port);
  const registration = new NodeRegistration({
    ...{ client, clock, logger, events },
    facts: () => ({ ...facts, runtimeVersion: runtime.nameAndVersion }),
    verdicts: () => verdicts(options, runtime, pleg),
  });
  const housekeeping = new Housekeeping({
    ...{ context, clock },
    podsKnown: podInformer.hasSynced,
    apiUids: () => new Set(podInformer.list().map(({ metadata }) => metadata.uid)),
    owns: (uid) => workers.owns(uid),
  });
  podInformer.addHandler(workers);
  const { runTool } = options;
  const routes = new NodeRoutes({ nodes: nodeInformer, nodeName, runTool, clock, logger });
  logger.info('Started', { node: nodeName, port });
  await Promise.all([
    podInformer.run(signal),
    serviceInformer.run(signal),
    nodeInformer.run(signal),
    pleg.run(signal),
    registration.run(signal),
    registration.registered.then(() => keepNodeLease({ ...dependencies, nodeName }, signal)),
    housekeeping.run(signal),
    routes.run(signal),
  ]);
  await workers.close();
  context.probes.close();
  await Promise.all([context.statuses.close(), server.close(), events.close()]);
}

function newPodWork(
  options: AgentOptions,
  events: EventRecorder,
  serviceInformer: Informer<Service>,
  resolvConf: string,
  runtime: RuntimeIdentity,
  signal: AbortSignal,
): { readonly context: PodContext; readonly workers: PodWorkers } {
  const { client, cri, clock, logger } = options;
  const { cpuMilli, memoryBytes, maxPods } = options;
  const allocatable = { cpuMilli, memoryBytes, pods: maxPods };
  const paths = new AgentPaths(options.dataDir);
  const mounts = new Mounts(options.runTool);
  const references = new References(client, clock);
  const host = parseResolvConf(resolvConf);
  const context: PodContext = {
    ...{ cri, clock, logger, events, paths, mounts, references, allocatable },
    volumes: new VolumeManager({ paths, mounts, sources: references, allocatable }),
    images: new ImageManager({ cri, clock, events, credentials: new PullCredentials(references) }),
    cgroups: new PodCgroups({ root: options.cgroupRoot, clock }),
    probes: new ProbeManager({
      ...{ clock, events },
      runProbe: newProbeRunner(cri),
      onChange: (uid) => workers.wake(uid),
    }),
    hooks: newHookRunner(cri, clock),
    statuses: new StatusManager({ client, clock, logger, signal }),
    services: async () => {
      await serviceInformer.hasSynced;
      return serviceInformer.list();
    },
    dnsOf: (pod) => podDns(pod, { clusterServers: [], clusterDomain: CLUSTER_DOMAIN, host }),
    nodeIp: options.nodeIp,
    runtime,
    userNamespaces: new UserNamespaces(paths),
    clusterDomain: CLUSTER_DOMAIN,
  };
  const workers: PodWorkers = new PodWorkers(context, signal);
  return { context, workers };
}

async function nodeFacts(
  options: AgentOptions,
  port: number,
): Promise<Omit<NodeFacts, 'runtimeVersion'>> {
  const { nodeName, nodeIp, podCidr, cpuMilli, memoryBytes, maxPods } = options;
  return {
    ...(await readMachineFacts(options.dataDir)),
    ...{ name: nodeName, ip: nodeIp, port, podCidr, cpuMilli, memoryBytes, maxPods },
  };
}

async function verdicts(
  options: AgentOptions,
  runtime: RuntimeIdentity,
  pleg: Pleg,
): Promise<readonly NodeVerdict[]> {
  const pressure = await readPressure(options.dataDir);
  const problems = await runtimeProblems(options.cri, runtime);
  const ageMs = pleg.sinceListMs;
  if (ageMs !== undefined && ageMs > LIST_AGE_MAX_MS) {
    problems.push(
      `PLEG is not healthy: pleg was last seen active ${Math.round(ageMs / 1000)}s ago`,
    );
  }
  return nodeVerdicts(pressure, { problems });
}

async function runtimeProblems(cri: CriClient, runtime: RuntimeIdentity): Promise<string[]> {
  try {
    await runtime.learn(cri);
    const { status } = await cri.status({}, { timeoutMs: RUNTIME_TIMEOUT_MS });
    const needed = ['RuntimeReady', 'NetworkReady'];
    return needed.flatMap((type) => {
      const condition = status?.conditions.find((each) => each.type === type);
      if (condition?.status === true) return [];
      const { reason = 'Unknown', message = '' } = condition ?? {};
      return [`container runtime ${type}=false reason:${reason} message:${message}`];
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`container runtime is down: ${why}`];
  }
}
