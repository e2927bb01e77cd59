/**
 * The API's status of one container, from the runs the runtime reports and what the agent knows of
 * why it doesn't run.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `convertToAPIContainerStatuses` and
 * pkg/kubelet/prober/prober_manager.go `UpdatePodStatus`, v1.36.
 */

import type { Container, ContainerState, ContainerStatus } from '../../proto/api/gen/core-v1.ts';
import { isSidecar } from './container-kinds.ts';
import {
  latestRun,
  type ObservedContainer,
  type ObservedPod,
  previousRun,
} from './observed-pod.ts';

/** Why a container that should run doesn't: `ErrImagePull`, `CrashLoopBackOff`, …. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

export interface ContainerStatusInput {
  readonly container: Container;
  readonly init: boolean;
  readonly observed: ObservedPod;
  /** `skiff`: the scheme of container ids. */
  readonly runtimeName: string;
  /** The last failed start of it, until one succeeds. */
  readonly waiting?: WaitingReason;
  /** The reason while nothing is known: `ContainerCreating` or `PodInitializing`. */
  readonly defaultReason: string;
  /** Whether the pod starts it again when it is down. */
  readonly willStart: boolean;
  /** What the API said last. */
  readonly previous?: ContainerStatus;
  /** The probes' verdict on the run of this id; true where there is no probe. */
  readonly probes: (containerId: string) => {
    readonly started: boolean;
    readonly ready: boolean;
  };
  /** 1970 and later, as `2026-01-01T00:00:00Z`. */
  readonly formatTime: (wallMs: number) => string;
}

const LOST: WaitingReason = {
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

/** Reported for a container whose runs the runtime no longer knows; 128 + SIGKILL. */
const LOST_EXIT_CODE = 137;

export function containerStatus(input: ContainerStatusInput): ContainerStatus {
  const { container, observed } = input;
  const run = latestRun(observed, container.name);
  if (run === undefined) return withoutRun(input);
  const older = previousRun(observed, container.name);
  const own = stateOf(run, input);
  const waits = input.willStart && input.waiting !== undefined && run.state !== 'running';
  const state: ContainerState = waits ? { waiting: { ...input.waiting } } : own;
  const last = waits ? own : older === undefined ? undefined : stateOf(older, input);
  const lastState = last?.terminated === undefined ? input.previous?.lastState : last;
  const probes = input.probes(run.id);
  const started = run.state === 'running' && probes.started;
  const done = input.init && !isSidecar(container);
  return {
    name: container.name,
    state,
    lastState: lastState ?? {},
    ready: done ? run.state === 'exited' && run.exitCode === 0 : started && probes.ready,
    restartCount: run.attempt,
    image: run.image,
    imageID: run.imageId,
    containerID: `${input.runtimeName}://${run.id}`,
    started,
  };
}

function withoutRun(input: ContainerStatusInput): ContainerStatus {
  const { container, previous } = input;
  const base = {
    name: container.name,
    ready: false,
    restartCount: previous?.restartCount ?? 0,
    image: previous?.image ?? container.image ?? '',
    imageID: previous?.imageID ?? '',
    started: false,
  };
  const waiting = input.waiting ?? { reason: input.defaultReason };
  const ran = previous?.state?.running ?? previous?.state?.terminated;
  if (ran === undefined) {
    return { ...base, state: { waiting: { ...waiting } }, lastState: previous?.lastState ?? {} };
  }
  // It ran once and the runtime lost it, as after a reboot.
  const lost: ContainerState = previous?.state?.terminated
    ? previous.state
    : { terminated: { exitCode: LOST_EXIT_CODE, ...LOST } };
  const id = previous?.containerID === undefined ? {} : { containerID: previous.containerID };
  if (!input.willStart)
    return { ...base, ...id, state: lost, lastState: previous?.lastState ?? {} };
  return { ...base, state: { waiting: { ...waiting } }, lastState: lost };
}

function stateOf(run: ObservedContainer, input: ContainerStatusInput): ContainerState {
  const time = (ms: number | undefined): string => input.formatTime(ms ?? run.createdAtMs);
  switch (run.state) {
    case 'running':
      return { running: { startedAt: time(run.startedAtMs) } };
    case 'exited':
      return {
        terminated: {
          exitCode: run.exitCode ?? 255,
          reason: run.reason ?? (run.exitCode === 0 ? 'Completed' : 'Error'),
          ...(run.message === undefined || run.message === '' ? {} : { message: run.message }),
          startedAt: time(run.startedAtMs),
          finishedAt: time(run.finishedAtMs),
          containerID: `${input.runtimeName}://${run.id}`,
        },
      };
    case 'created':
    case 'unknown':
      return { waiting: { ...(input.waiting ?? { reason: input.defaultReason }) } };
  }
}
