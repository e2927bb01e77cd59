/**
 * The conditions the kubelet keeps on a pod: PodReadyToStartContainers, Initialized,
 * ContainersReady, Ready. Others' conditions (PodScheduled, readiness gates) are passed through.
 *
 * Source: kubernetes pkg/kubelet/status/generate.go, v1.36.
 */

import type { ContainerStatus, Pod, PodCondition } from '../../proto/api/gen/core-v1.ts';
import { initContainersOf, isSidecar } from './container-kinds.ts';
import type { PodPhase } from './pod-phase.ts';

export interface ConditionsInput {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
  /** The sandbox is ready and has its network. */
  readonly sandboxReady: boolean;
  /** What the status says now, for the times of transition. */
  readonly previous: readonly PodCondition[];
  readonly now: string;
}

interface Verdict {
  readonly status: boolean;
  readonly reason?: string;
  readonly message?: string;
}

/** The agent alone says what these are. */
export const OWNED_CONDITIONS = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
] as const;

/** All conditions of the pod, ours as they are now and others' as they were. */
export function podConditions(input: ConditionsInput): readonly PodCondition[] {
  const containersReady = areContainersReady(input);
  const verdicts: Readonly<Record<(typeof OWNED_CONDITIONS)[number], Verdict>> = {
    PodReadyToStartContainers: { status: input.sandboxReady },
    Initialized: isInitialized(input),
    Ready: isReady(input, containersReady),
    ContainersReady: containersReady,
  };
  const owned = OWNED_CONDITIONS.map((type) => condition(type, verdicts[type], input));
  const scheduled = input.previous.some(({ type }) => type === 'PodScheduled')
    ? []
    : [condition('PodScheduled', { status: true }, input)];
  const others = input.previous.filter(
    ({ type }) => !OWNED_CONDITIONS.some((name) => name === type),
  );
  return [...owned, ...scheduled, ...others];
}

function condition(type: string, verdict: Verdict, input: ConditionsInput): PodCondition {
  const status = verdict.status ? 'True' : 'False';
  const before = input.previous.find((each) => each.type === type);
  const generation = input.pod.metadata.generation;
  return {
    type,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status,
    lastTransitionTime:
      before?.status === status ? (before.lastTransitionTime ?? input.now) : input.now,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
  };
}

function isInitialized({ pod, phase, initStatuses, statuses }: ConditionsInput): Verdict {
  // Stays true once a regular container has been started.
  if (statuses.some((each) => each.containerID !== undefined)) {
    return phase === 'Succeeded' ? { status: true, reason: 'PodCompleted' } : { status: true };
  }
  const missing = initContainersOf(pod).filter((container) => {
    const status = initStatuses.find(({ name }) => name === container.name);
    return isSidecar(container) ? status?.started !== true : status?.ready !== true;
  });
  if (missing.length === 0) return { status: true };
  return {
    status: false,
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${missing.map(({ name }) => name).join(' ')}]`,
  };
}

function areContainersReady(input: ConditionsInput): Verdict {
  if (input.phase === 'Succeeded') return { status: false, reason: 'PodCompleted' };
  if (input.phase === 'Failed') return { status: false, reason: 'PodFailed' };
  const sidecars = initContainersOf(input.pod).filter(isSidecar);
  const unready = [...sidecars, ...input.pod.spec.containers].filter((container) => {
    const all = [...input.initStatuses, ...input.statuses];
    return all.find(({ name }) => name === container.name)?.ready !== true;
  });
  if (unready.length === 0) return { status: true };
  return {
    status: false,
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.map(({ name }) => name).join(' ')}]`,
  };
}

function isReady(input: ConditionsInput, containersReady: Verdict): Verdict {
  if (!containersReady.status) return containersReady;
  const messages = (input.pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = input.previous.find(({ type }) => type === conditionType);
    if (found?.status === 'True') return [];
    return found === undefined
      ? [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
  if (messages.length === 0) return { status: true };
  return { status: false, reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
