/**
 * The probes of all containers that run on this node. Follows the runs the runtime reports; tells
 * when a verdict changes.
 *
 * Source: kubernetes pkg/kubelet/prober/prober_manager.go, v1.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Container, Pod, Probe } from '../../proto/api/gen/core-v1.ts';
import type { ProbeResults } from '../pod/compute-pod-actions.ts';
import { allContainersOf, initContainersOf, isSidecar } from '../pod/container-kinds.ts';
import type { ObservedContainer, ObservedPod } from '../pod/observed-pod.ts';
import { containerReference } from '../sync/container-reference.ts';
import type { EventSink } from '../sync/pod-context.ts';
import { type ProbeKind, ProbeWorker } from './probe-worker.ts';
import type { ProbeOutcome, RunProbe } from './run-probe.ts';

export interface ProbeManagerOptions {
  readonly clock: Clock;
  readonly runProbe: RunProbe;
  readonly events: EventSink;
  /** A verdict on a container of this pod has changed. */
  readonly onChange: (podUid: string) => void;
}

interface Probed {
  readonly podUid: string;
  readonly workers: readonly ProbeWorker[];
}

const KINDS = {
  startup: 'startupProbe',
  readiness: 'readinessProbe',
  liveness: 'livenessProbe',
} as const;
const TITLES = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' };

export class ProbeManager {
  readonly #options: ProbeManagerOptions;
  readonly #probed = new Map<string, Probed>();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
  }

  /** Starts the probes of containers that began to run, ends those of containers that ended. */
  follow(pod: Pod, observed: ObservedPod, podIp: string): void {
    const running = new Map(
      observed.containers.filter(({ state }) => state === 'running').map((run) => [run.id, run]),
    );
    for (const [id, { podUid, workers }] of this.#probed) {
      if (podUid !== pod.metadata.uid || running.has(id)) continue;
      for (const worker of workers) worker.stop();
      this.#probed.delete(id);
    }
    for (const container of allContainersOf(pod)) {
      const run = [...running.values()].find(({ name }) => name === container.name);
      if (run !== undefined && !this.#probed.has(run.id)) this.#start(pod, container, run, podIp);
    }
  }

  /** A pod that terminates keeps its readiness probes only. */
  terminating(podUid: string): void {
    for (const probed of this.#probed.values()) {
      if (probed.podUid !== podUid) continue;
      for (const worker of probed.workers) if (worker.kind !== 'readiness') worker.stop();
    }
  }

  remove(podUid: string): void {
    for (const [id, probed] of this.#probed) {
      if (probed.podUid !== podUid) continue;
      for (const worker of probed.workers) worker.stop();
      this.#probed.delete(id);
    }
  }

  close(): void {
    for (const { podUid } of [...this.#probed.values()]) this.remove(podUid);
  }

  /** What kills a container. */
  results(containerId: string): ProbeResults {
    const liveness = this.#verdict(containerId, 'liveness');
    const startup = this.#verdict(containerId, 'startup');
    return {
      ...(liveness === undefined ? {} : { liveness }),
      ...(startup === undefined ? {} : { startup }),
    };
  }

  /** What the status of a running container says. */
  state(container: Container, containerId: string): { started: boolean; ready: boolean } {
    const started =
      container.startupProbe === undefined || this.#verdict(containerId, 'startup') === true;
    const ready =
      container.readinessProbe === undefined || this.#verdict(containerId, 'readiness') === true;
    return { started, ready: started && ready };
  }

  #verdict(containerId: string, kind: ProbeKind): boolean | undefined {
    return this.#probed.get(containerId)?.workers.find((worker) => worker.kind === kind)?.verdict;
  }

  #start(pod: Pod, container: Container, run: ObservedContainer, podIp: string): void {
    const isPlainInit = initContainersOf(pod).includes(container) && !isSidecar(container);
    const probes = isPlainInit ? [] : probesOf(container);
    const before = statusOf(pod, run.id);
    const workers: ProbeWorker[] = [];
    this.#probed.set(run.id, { podUid: pod.metadata.uid, workers });
    const hasStarted = (): boolean =>
      container.startupProbe === undefined || this.#verdict(run.id, 'startup') === true;
    for (const { kind, probe } of probes) {
      // After a restart of the agent the last verdict counts until there is a new one.
      const known =
        kind === 'readiness'
          ? before?.ready
          : kind === 'startup' && before?.started === true
            ? true
            : undefined;
      const worker = new ProbeWorker(
        {
          kind,
          probe,
          target: { container, containerId: run.id, podIp },
          startedAtMs: run.startedAtMs ?? this.#options.clock.wallMs(),
          clock: this.#options.clock,
          runProbe: this.#options.runProbe,
          isEnabled: () => (kind === 'startup' ? known !== true : hasStarted()),
          onVerdict: (success) => {
            if (kind === 'startup' && success) for (const other of workers) other.hurry();
            this.#options.onChange(pod.metadata.uid);
          },
          onFailure: (outcome) => this.#recordFailure(pod, container, kind, outcome),
        },
        known,
      );
      workers.push(worker);
    }
  }

  #recordFailure(pod: Pod, container: Container, kind: ProbeKind, outcome: ProbeOutcome): void {
    const message = `${TITLES[kind]} probe failed: ${outcome.output}`;
    const regarding = containerReference(pod, container);
    this.#options.events.record(regarding, 'Warning', 'Unhealthy', message);
  }
}

function probesOf(
  container: Container,
): readonly { readonly kind: ProbeKind; readonly probe: Probe }[] {
  return (['startup', 'readiness', 'liveness'] as const).flatMap((kind) => {
    const probe = container[KINDS[kind]];
    return probe === undefined ? [] : [{ kind, probe }];
  });
}

function statusOf(pod: Pod, containerId: string) {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].find((status) =>
    status.containerID?.endsWith(`://${containerId}`),
  );
}
