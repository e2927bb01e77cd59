/**
 * The status of a pod as the API shows it: a pure function of the spec, what the runtime reports,
 * what the agent knows of failed starts, the probes, and the status before.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `generateAPIPodStatus`, v1.36.
 */

import { apiTime } from '../../client/timestamps.ts';
import type { Container, ContainerStatus, Pod, PodStatus } from '../../proto/api/gen/core-v1.ts';
import {
  initContainersOf,
  isHostNetwork,
  isSidecar,
  isTerminalPhase,
  restartPolicyOf,
} from './container-kinds.ts';
import { containerStatus, type WaitingReason } from './container-status.ts';
import { latestRun, type ObservedPod } from './observed-pod.ts';
import { podConditions } from './pod-conditions.ts';
import { podPhase } from './pod-phase.ts';
import { qosClass } from './qos.ts';

export interface PodStatusInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly runtimeName: string;
  readonly hostIp: string;
  readonly nowMs: number;
  /** The pod has ended for good: deleted, evicted, rejected. */
  readonly ended: boolean;
  /** By container name. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly probes: (
    container: Container,
    containerId: string,
  ) => { readonly started: boolean; readonly ready: boolean };
  /** Set when the agent itself failed the pod: `Evicted`, `OutOfcpu`, `DeadlineExceeded`. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observed } = input;
  const initStatuses = initContainersOf(pod).map((each) => statusOf(input, each, true));
  const statuses = pod.spec.containers.map((each) => statusOf(input, each, false));
  const before = pod.status ?? {};
  const reached = podPhase({ pod, initStatuses, statuses, ended: input.ended });
  const phase = input.failure !== undefined ? 'Failed' : keepTerminal(before.phase, reached);
  const [sandbox] = observed.sandboxes;
  const ips = podIps(input);
  const now = apiTime(input.nowMs);
  const generation = pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(input.failure ?? keepFailure(before)),
    conditions: podConditions({
      pod,
      phase,
      initStatuses,
      statuses,
      sandboxReady: sandbox?.ready === true && (isHostNetwork(pod) || sandbox.ips.length > 0),
      previous: before.conditions ?? [],
      now,
    }),
    hostIP: input.hostIp,
    hostIPs: [{ ip: input.hostIp }],
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: before.startTime ?? now,
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    qosClass: before.qosClass ?? qosClass(pod),
  };
}

function keepTerminal(
  before: PodStatus['phase'],
  reached: 'Pending' | 'Running' | 'Succeeded' | 'Failed',
) {
  return before === 'Succeeded' || before === 'Failed' ? before : reached;
}

function keepFailure(before: PodStatus): Pick<PodStatus, 'reason' | 'message'> {
  if (!isTerminalPhase(before.phase)) return {};
  return {
    ...(before.reason === undefined ? {} : { reason: before.reason }),
    ...(before.message === undefined ? {} : { message: before.message }),
  };
}

function podIps(input: PodStatusInput): readonly string[] {
  if (isHostNetwork(input.pod)) return [input.hostIp];
  const ips = input.observed.sandboxes[0]?.ips ?? [];
  if (ips.length > 0) return ips;
  // The address of a pod that ends stays readable.
  const before = input.pod.status?.podIPs?.flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
  return before ?? [];
}

function statusOf(input: PodStatusInput, container: Container, init: boolean): ContainerStatus {
  const { pod, observed } = input;
  const before = init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
  const previous = before?.find(({ name }) => name === container.name);
  const waiting = input.waiting.get(container.name);
  return containerStatus({
    container,
    init,
    observed,
    runtimeName: input.runtimeName,
    ...(waiting === undefined ? {} : { waiting }),
    defaultReason: initContainersOf(pod).length > 0 ? 'PodInitializing' : 'ContainerCreating',
    willStart: willStart(input, container, init),
    ...(previous === undefined ? {} : { previous }),
    probes: (id) => input.probes(container, id),
    formatTime: apiTime,
  });
}

function willStart(
  { pod, observed, ended }: PodStatusInput,
  container: Container,
  init: boolean,
): boolean {
  if (ended || pod.metadata.deletionTimestamp !== undefined) return false;
  if (isTerminalPhase(pod.status?.phase)) return false;
  const run = latestRun(observed, container.name);
  const policy = isSidecar(container) ? 'Always' : restartPolicyOf(pod);
  if (run === undefined) return policy !== 'Never' || !wasStarted(pod, container.name);
  if (run.state === 'exited') {
    if (init && !isSidecar(container) && run.exitCode === 0) return false;
    return policy === 'Always' || (policy === 'OnFailure' && run.exitCode !== 0);
  }
  return run.state !== 'running';
}

/** Whether the API's status shows that a run of this container was started at some time. */
export function wasStarted(pod: Pod, name: string): boolean {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].some(
    (status) => status.name === name && status.containerID !== undefined,
  );
}
