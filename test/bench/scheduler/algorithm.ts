/**
 * One workload without an API server: the queue, the decision, and the assumption that it holds, in
 * this process. Run as a process of its own, so that memory and compiled code are its own:
 * `node --expose-gc algorithm.ts NAME`; the last line is the result as JSON.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock as clock } from '../../../base/clock.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { defaultProfile } from '../../../scheduler/default-profile.ts';
import { fitErrorMessage } from '../../../scheduler/diagnosis.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { newPeerSelector } from '../../../scheduler/peer-selector.ts';
import { Nominator } from '../../../scheduler/queue/nominator.ts';
import { uidOf } from '../../../scheduler/queue/queued-pod.ts';
import { SchedulingQueue } from '../../../scheduler/queue/scheduling-queue.ts';
import { decide } from '../../../scheduler/schedule-one.ts';
import { seededRandom } from '../../../scheduler/seeded-random.ts';
import { quantile } from '../../support/statistics.ts';
import { churnNode, hugeNode, nodeFrom, podFrom, serviceFrom } from './templates.ts';
import { type PodGroup, WORKLOADS, type Workload } from './workloads.ts';

export interface AlgorithmResult {
  readonly podsPerSecond: number;
  /** Of this process, with its garbage collection and compilation. */
  readonly podsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Resident, and of that the heap that is in use, after the last pod. */
  readonly rssMb: number;
  readonly heapMb: number;
}

/** How many of the pods of a measurement enter the queue before I/O would get its turn. */
const SLICE = 256;

class InProcessCluster {
  readonly #cache = new SchedulerCache();
  readonly #random = seededRandom(1);
  readonly #framework: Framework;
  readonly #queue: SchedulingQueue;
  readonly #nominator = new Nominator();
  readonly #signal = new AbortController().signal;
  /** Pods on nodes, as they came; what `delete` takes off first. */
  readonly #placed: Pod[] = [];
  #startIndex = 0;
  readonly decisionMs: number[] = [];
  failed = 0;

  constructor(workload: Workload) {
    const { nodes, zones, service } = workload;
    const services = service === undefined ? [] : [serviceFrom('service-ns', service)];
    const byNamespace = (_: string, namespace: string) =>
      services.filter(({ metadata }) => metadata.namespace === namespace);
    this.#framework = new Framework(
      'default-scheduler',
      defaultProfile({
        client: { request: () => Promise.reject(new Error('A decision asks nobody')) },
        peersOf: newPeerSelector({ byIndex: byNamespace }, { get: () => undefined }),
        namespaceLabels: () => ({ team: 'devops' }),
      }),
    );
    this.#queue = new SchedulingQueue({
      clock,
      less: (a, b) => this.#framework.less(a, b),
      preEnqueue: (pod) => this.#framework.preEnqueue(pod),
      registrations: new Map(
        this.#framework.plugins.map(({ name, events = [] }) => [name, events]),
      ),
    });
    for (let index = 0; index < nodes; index += 1) this.#cache.setNode(nodeFrom(index, zones));
    if (workload.hasHugeNode === true) this.#cache.setNode(hugeNode());
  }

  /** Puts the pods into the queue and gives each a node. */
  async schedule(pods: readonly Pod[], beside: (scheduled: number) => void): Promise<void> {
    let scheduled = 0;
    for (let start = 0; start < pods.length; start += SLICE) {
      const slice = pods.slice(start, start + SLICE);
      for (const pod of slice) this.#queue.add(pod);
      for (const _ of slice) {
        await this.#scheduleOne();
        scheduled += 1;
        beside(scheduled);
      }
      await nextTurn();
    }
  }

  enqueue(pod: Pod): void {
    this.#queue.add(pod);
  }

  recreateNode(index: number): void {
    this.#cache.removeNode(`node-churn-${index - 1}`);
    this.#cache.setNode(churnNode(index));
  }

  deleteOldest(): void {
    const pod = this.#placed.shift();
    if (pod !== undefined) this.#remove(pod);
  }

  close(): void {
    this.#queue.close();
  }

  #remove(pod: Pod): void {
    this.#cache.removePod(pod.metadata.uid);
    this.#queue.moveOnEvent({ kind: 'AssignedPodDelete', pod });
  }

  async #scheduleOne(): Promise<void> {
    const queued = await this.#queue.take(this.#signal);
    if (queued === undefined) return;
    const startMs = performance.now();
    const decision = decide(this.#framework, this.#cache.snapshot(), queued.info, {
      startIndex: this.#startIndex,
      percentageOfNodesToScore: 0,
      tieBreak: { kind: 'random', random: this.#random },
      nominated: this.#nominator,
    });
    const { pod } = queued.info;
    switch (decision.kind) {
      case 'node': {
        this.#startIndex = decision.nextStartIndex;
        const placed = { ...pod, spec: { ...pod.spec, nodeName: decision.nodeName } };
        this.#cache.assumePod({ ...queued.info, pod: placed }, decision.nodeName);
        this.#queue.done(uidOf(queued));
        this.#placed.push(placed);
        break;
      }
      case 'none': {
        this.#startIndex = decision.nextStartIndex;
        const { rejectedBy } = decision.diagnosis;
        fitErrorMessage(decision.diagnosis);
        const { nominatedNodeName = '', victims } = decision;
        this.#nominator.set(queued.info, nominatedNodeName);
        for (const victim of victims) this.#remove(victim);
        this.#queue.giveBack(queued, pod, { kind: 'unschedulable', rejectedBy });
        this.failed += 1;
        break;
      }
      case 'error':
        throw new Error(`A decision failed: ${decision.status.reasons.join(', ')}`);
    }
    this.decisionMs.push(performance.now() - startMs);
  }
}

async function measure(workload: Workload): Promise<AlgorithmResult> {
  const cluster = new InProcessCluster(workload);
  const init = (workload.init ?? []).flatMap(podsOf);
  await cluster.schedule(init, () => undefined);
  for (let index = 0; index < (workload.gated ?? 0); index += 1) {
    cluster.enqueue(podFrom('gated', 'namespace-2', index));
  }
  const pods = podsOf(workload.measured);
  cluster.decisionMs.length = 0;
  cluster.failed = 0;
  const before = process.cpuUsage();
  const startMs = performance.now();
  await cluster.schedule(pods, (scheduled) => churn(cluster, workload, scheduled));
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = process.cpuUsage(before);
  const cpuSeconds = (cpu.user + cpu.system) / 1_000_000;
  const made = cluster.decisionMs;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  cluster.close();
  if (made.length - cluster.failed < pods.length * 0.98) {
    throw new Error(`${workload.name}: ${cluster.failed} of ${made.length} pods found no node`);
  }
  return {
    podsPerSecond: Math.round((made.length - cluster.failed) / seconds),
    podsPerCpuSecond: Math.round((made.length - cluster.failed) / cpuSeconds),
    p50Ms: rounded(quantile(made, 0.5)),
    p99Ms: rounded(quantile(made, 0.99)),
    rssMb: Math.round(rss / 2 ** 20),
    heapMb: Math.round(heapUsed / 2 ** 20),
  };
}

function churn(cluster: InProcessCluster, { churn: what }: Workload, scheduled: number): void {
  if (what === undefined || scheduled % what.everyPods !== 0) return;
  const index = scheduled / what.everyPods;
  if (what.mode === 'delete') cluster.deleteOldest();
  else cluster.enqueue(podFrom(what.template, 'churn', index));
  if (what.mode === 'recreate') cluster.recreateNode(index);
}

function podsOf({ template, count, namespace = 'namespace-1', namespaces }: PodGroup): Pod[] {
  return Array.from({ length: count }, (_, index) => {
    const own = namespaces === undefined ? namespace : `${namespace}-${index % namespaces}`;
    return podFrom(template, own, index);
  });
}

function rounded(ms: number): number {
  return Math.round(ms * 10_000) / 10_000;
}

const [, , name = ''] = process.argv;
const found = WORKLOADS.find((workload) => workload.name === name);
if (found === undefined) throw new Error(`There is no workload "${name}"`);
process.stdout.write(`${JSON.stringify(await measure(found))}\n`);
