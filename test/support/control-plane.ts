/**
 * An API server, a scheduler and the controllers in the test's process, and nodes whose agents are
 * played: their pods run and are ready at once, end at once when deleted, and leases are renewed until
 * a node is cut off.
 */

import { systemClock as clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { Informer } from '../../client/informer.ts';
import { RestClient } from '../../client/rest-client.ts';
import { runControllers } from '../../controllers/run-controllers.ts';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { leases, nodes, pods } from '../../proto/api/gen/resources.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { formatMicroTime, formatTime } from '../../proto/api/time.ts';
import { runScheduler } from '../../scheduler/run-scheduler.ts';
import { startTestApiServer, type TestApiServer } from './test-api-server.ts';

export interface ControlPlane {
  readonly server: TestApiServer;
  readonly client: RestClient;
  /** Every pod as the played agents saw it, added or changed. */
  readonly onPod: (listener: (pods: readonly Pod[]) => void) => void;
  /** The node's agent falls silent: no lease, no status, no pods started or ended. */
  cutOff(node: string): void;
  /** Its agent is heard of again. */
  rejoin(node: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly nodes: readonly string[];
  readonly nodeGraceMs?: number;
  /** Pods with this label never become ready. */
  readonly brokenLabel?: string;
}

/** Shorter than any grace period of a test. */
const RENEW_MS = 300;

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const server = await startTestApiServer();
  const admin = server.clientCertificate('admin', ['system:masters']);
  const connection = {
    server: `https://127.0.0.1:${server.port}`,
    ca: server.pki.ca.certificatePem,
    cert: admin.certificatePem,
    key: admin.keyPem,
    namespace: 'default',
  };
  const client = new RestClient({ connection, clock, userAgent: 'skiff-test' });
  const dependencies = { client, clock, logger: silentLogger };
  const end = new AbortController();
  const { signal } = end;
  const cut = new Set<string>();
  const agents = new PlayedAgents(client, cut, options.brokenLabel);
  for (const name of options.nodes) await agents.register(name);
  const podInformer = new Informer(dependencies, pods);
  const listeners: ((pods: readonly Pod[]) => void)[] = [];
  const play = (pod: Pod): void => {
    for (const listener of listeners) listener(podInformer.list());
    agents.play(pod);
  };
  podInformer.addHandler({ onAdd: play, onUpdate: (_, pod) => play(pod) });
  const nodeGraceMs = options.nodeGraceMs ?? 50_000;
  const running = Promise.all([
    podInformer.run(signal),
    runScheduler({ ...dependencies, tieBreak: { kind: 'first' } }, signal),
    runControllers({ ...dependencies, rootCa: 'CA', nodeGraceMs }, signal),
    agents.renew(options.nodes, signal),
  ]);
  await podInformer.hasSynced;
  return {
    server,
    client,
    onPod: (listener) => void listeners.push(listener),
    cutOff: (node) => void cut.add(node),
    rejoin: async (node) => {
      cut.delete(node);
      await agents.report(node);
      for (const pod of podInformer.list()) agents.play(pod);
    },
    stop: async () => {
      end.abort();
      await running;
      await agents.settle();
      client.close();
      await server.stop();
    },
  };
}

class PlayedAgents {
  readonly #client: RestClient;
  readonly #cut: ReadonlySet<string>;
  readonly #brokenLabel: string | undefined;
  readonly #tasks = new Set<Promise<void>>();
  #lastAddress = 1;

  constructor(client: RestClient, cut: ReadonlySet<string>, brokenLabel: string | undefined) {
    this.#client = client;
    this.#cut = cut;
    this.#brokenLabel = brokenLabel;
  }

  async register(name: string): Promise<void> {
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: {},
    } as const;
    await this.#client.create(nodes, node);
    await this.report(name);
    const metadata = { namespace: 'kube-node-lease', name };
    const spec = { holderIdentity: name, leaseDurationSeconds: 40 };
    await this.#client.create(leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec,
    });
  }

  /** The node's status: ready, with room. */
  async report(name: string): Promise<void> {
    const now = formatTime(clock.wallMs());
    const resources = { cpu: '4', memory: '8Gi', pods: '110' };
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'played',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    };
    const pressures = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
      ...condition,
      type,
      status: 'False',
    }));
    const conditions: Node['status']['conditions'] = [condition, ...pressures];
    const patch = { status: { capacity: resources, allocatable: resources, conditions } };
    await this.#client.patch(nodes, { name }, 'strategic', patch, { subresource: 'status' });
  }

  async renew(names: readonly string[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const name of names.filter((each) => !this.#cut.has(each))) {
        const patch = { spec: { renewTime: formatMicroTime(clock.wallMs()) } };
        const target = { namespace: 'kube-node-lease', name };
        await this.#client.patch(leases, target, 'merge', patch, {}, signal).catch(() => undefined);
      }
      await clock.after(RENEW_MS, signal);
    }
  }

  play(pod: Pod): void {
    const { nodeName = '' } = pod.spec;
    if (nodeName === '' || this.#cut.has(nodeName)) return;
    const task = this.#act(pod).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task)).catch(() => undefined);
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#tasks);
  }

  async #act(pod: Pod): Promise<void> {
    const { namespace = '', name, uid, labels } = pod.metadata;
    const target = { namespace, name };
    if (pod.metadata.deletionTimestamp !== undefined) {
      const options = { gracePeriodSeconds: 0, preconditions: { uid } };
      await this.#client.delete(pods, target, options);
      return;
    }
    if (pod.status.phase === 'Running') return;
    const isBroken = this.#brokenLabel !== undefined && labels?.[this.#brokenLabel] !== undefined;
    this.#lastAddress += 1;
    const podIP = `10.1.0.${this.#lastAddress}`;
    const lastTransitionTime = formatTime(clock.wallMs());
    const ready = { type: 'Ready', status: isBroken ? 'False' : 'True', lastTransitionTime };
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [ready] };
    await this.#client.patch(
      pods,
      target,
      'strategic',
      { metadata: { uid }, status },
      {
        subresource: 'status',
      },
    );
  }
}
