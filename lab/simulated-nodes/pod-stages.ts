/**
 * The life of a pod on a simulated node: what is to be done for it, from what the API says of it and
 * the time. Bound -> Running (with an address) -> Succeeded or Failed when a duration is declared;
 * gone some time after its deletion. Pure; needs no memory, so a restart changes nothing.
 */

import type {
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '../../proto/api/gen/core-v1.ts';
import { formatTime, parseTime } from '../../proto/api/time.ts';
import { STAGE_ANNOTATIONS, stageMs } from './settings.ts';

export type PodStep =
  | { readonly kind: 'none' }
  /** Nothing before this time, in milliseconds since the epoch. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'start' }
  /** A readiness gate turned. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'finish'; readonly exitCode: number }
  | { readonly kind: 'remove' };

/** About what a container takes whose image is there. */
const START_AFTER_MS = 1_000;
/** A program that ends when it is asked to. */
const STOP_AFTER_MS = 0;

/** The pod is bound to a simulated node. */
export function nextPodStep(pod: Pod, nowMs: number): PodStep {
  const { metadata, status } = pod;
  const { annotations } = metadata;
  const isOver = status.phase === 'Succeeded' || status.phase === 'Failed';
  if (metadata.deletionTimestamp !== undefined) {
    const endMs = parseTime(metadata.deletionTimestamp) ?? nowMs;
    const begunMs = endMs - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
    const stopMs = stageMs(annotations, 'stopAfter', STOP_AFTER_MS);
    return at(isOver ? nowMs : Math.min(endMs, begunMs + stopMs), nowMs, { kind: 'remove' });
  }
  if (isOver) return { kind: 'none' };
  if (status.phase !== 'Running') {
    const boundMs = parseTime(conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? '') ?? nowMs;
    const afterMs = stageMs(annotations, 'startAfter', START_AFTER_MS);
    return at(boundMs + afterMs, nowMs, { kind: 'start' });
  }
  const durationMs = stageMs(annotations, 'duration', undefined);
  const startedMs = startOf(pod) ?? nowMs;
  if (durationMs !== undefined && nowMs >= startedMs + durationMs) {
    return { kind: 'finish', exitCode: exitCodeOf(annotations) };
  }
  if (conditionOf(pod, 'Ready')?.status !== readyStatus(pod)) return { kind: 'ready' };
  return durationMs === undefined
    ? { kind: 'none' }
    : { kind: 'wait', untilMs: startedMs + durationMs };
}

/** The status after a step, to be merged into what is there. */
export function statusAfter(
  pod: Pod,
  step: Extract<PodStep, { readonly kind: 'start' | 'ready' | 'finish' }>,
  facts: { readonly nowMs: number; readonly nodeAddress: string; readonly podAddress: string },
): PodStatus {
  const now = formatTime(facts.nowMs);
  switch (step.kind) {
    case 'ready':
      return { conditions: conditions(pod, 'Running', now) };
    case 'start': {
      const ip = pod.spec.hostNetwork === true ? facts.nodeAddress : facts.podAddress;
      return {
        phase: 'Running',
        conditions: conditions(pod, 'Running', now),
        startTime: now,
        hostIP: facts.nodeAddress,
        hostIPs: [{ ip: facts.nodeAddress }],
        podIP: ip,
        podIPs: [{ ip }],
        ...initStatuses(pod, now),
        containerStatuses: statuses(pod, { running: { startedAt: now } }, true),
      };
    }
    case 'finish': {
      const { exitCode } = step;
      const startedMs = startOf(pod) ?? facts.nowMs;
      const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
      const terminated = {
        exitCode,
        reason: exitCode === 0 ? 'Completed' : 'Error',
        startedAt: formatTime(startedMs),
        finishedAt: now,
      };
      return {
        phase,
        conditions: conditions(pod, phase, now),
        containerStatuses: statuses(pod, { terminated }, false),
      };
    }
  }
}

function at(dueMs: number, nowMs: number, step: PodStep): PodStep {
  return dueMs > nowMs ? { kind: 'wait', untilMs: dueMs } : step;
}

function startOf(pod: Pod): number | undefined {
  const started = pod.status.containerStatuses?.[0]?.state?.running?.startedAt;
  return parseTime(started ?? pod.status.startTime ?? '');
}

function exitCodeOf(annotations: Readonly<Record<string, string>> | undefined): number {
  const text = annotations?.[STAGE_ANNOTATIONS.exitCode] ?? '0';
  return /^\d{1,3}$/.test(text) ? Number(text) : 1;
}

function conditionOf(pod: Pod, type: string): PodCondition | undefined {
  return pod.status.conditions?.find((one) => one.type === type);
}

function readyStatus(pod: Pod): 'True' | 'False' {
  const gates = pod.spec.readinessGates ?? [];
  const isOpen = gates.every((gate) => conditionOf(pod, gate.conditionType)?.status === 'True');
  return isOpen ? 'True' : 'False';
}

function conditions(
  pod: Pod,
  phase: 'Running' | 'Succeeded' | 'Failed',
  now: string,
): readonly PodCondition[] {
  const reason = { Running: undefined, Succeeded: 'PodCompleted', Failed: 'PodFailed' }[phase];
  const isRunning = phase === 'Running';
  const wanted: readonly (readonly [string, 'True' | 'False'])[] = [
    ['PodReadyToStartContainers', isRunning ? 'True' : 'False'],
    ['Initialized', 'True'],
    ['ContainersReady', isRunning ? 'True' : 'False'],
    ['Ready', isRunning ? readyStatus(pod) : 'False'],
  ];
  return wanted.map(([type, status]) => {
    const before = conditionOf(pod, type);
    const why =
      type === 'Ready' && isRunning && status === 'False' ? 'ReadinessGatesNotReady' : reason;
    return {
      type,
      status,
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now,
      ...(why === undefined || type === 'PodReadyToStartContainers' ? {} : { reason: why }),
    };
  });
}

function statuses(pod: Pod, state: ContainerState, isReady: boolean): readonly ContainerStatus[] {
  return pod.spec.containers.map(({ name, image = '' }) => ({
    ...{ name, image, imageID: '', state, ready: isReady, started: isReady },
    restartCount: 0,
    containerID: `simulated://${pod.metadata.uid}-${name}`,
  }));
}

/** Init containers have done their work; those that go on beside the others run. */
function initStatuses(pod: Pod, now: string): Pick<PodStatus, 'initContainerStatuses'> {
  const { initContainers = [] } = pod.spec;
  if (initContainers.length === 0) return {};
  const done = { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now };
  return {
    initContainerStatuses: initContainers.map(({ name, image = '', restartPolicy }) => {
      const isSidecar = restartPolicy === 'Always';
      const state = isSidecar ? { running: { startedAt: now } } : { terminated: done };
      return {
        ...{ name, image, imageID: '', state, ready: true, started: isSidecar, restartCount: 0 },
        containerID: `simulated://${pod.metadata.uid}-${name}`,
      };
    }),
  };
}
