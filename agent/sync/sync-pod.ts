/**
 * One sync of a pod that should run: look, decide, act, and again until there is nothing to do now;
 * then say what its status is. Fails when something outside the pod's spec is in the way; the caller
 * tries again.
 */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { backoffMs } from '../../base/backoff.ts';
import { parseApiTime } from '../../client/timestamps.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { computePodActions, type PodAction } from '../pod/compute-pod-actions.ts';
import { hashContainer } from '../pod/container-identity.ts';
import { formatPod, isHostNetwork, isTerminalPhase } from '../pod/container-kinds.ts';
import { afterRestart, crashLoopMessage, mayStartAtMs } from '../pod/crash-backoff.ts';
import { latestRun } from '../pod/observed-pod.ts';
import { podStatus, wasStarted } from '../pod/pod-status.ts';
import { writeEtcHosts } from '../volumes/etc-hosts.ts';
import { containerReference } from './container-reference.ts';
import { killContainer, killPod } from './kill-pod.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { createSandbox, refreshVolumes, sandboxConfigOf, setUpVolumes } from './pod-sandbox.ts';
import { StartError, startContainer } from './start-container.ts';

export interface SyncOutcome {
  /** Wall time at which to look again even if nothing happens. */
  readonly wakeAtMs: number | undefined;
  /** Nothing of the pod will be started again. */
  readonly ended: boolean;
}

/** A pod comes to rest within few rounds: each one starts something or is the last. */
const ROUNDS_MAX = 32;
/** A start that is done sooner shows its last stage only. */
const STATUS_DELAY_MS = 150;
/** After a failed create or config: 1 s, doubling to 15 s. */
const START_RETRY = { initialMs: 1_000, maxMs: 15_000 };
/** `ErrImagePull` is shown for this long before it becomes `ImagePullBackOff`. */
const PULL_ERROR_SHOWN_MS = 2_000;
/** Runs of a container that are kept besides the newest one. */
const DEAD_RUNS_KEPT = 1;

export async function syncPod(
  context: PodContext,
  memory: PodMemory,
  apiPod: Pod,
  signal: AbortSignal,
): Promise<SyncOutcome> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    memory.observed = await memory.observer.observe(signal);
    const pod = context.statuses.current(apiPod);
    const deadlineMs = activeDeadlineMs(pod);
    if (deadlineMs !== undefined && context.clock.wallMs() >= deadlineMs) {
      memory.failure ??= {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
    }
    if (isTerminalPhase(pod.status?.phase) || memory.failure !== undefined) {
      return { wakeAtMs: undefined, ended: true };
    }
    const due = selectDue(context, memory, pod, decide(context, memory, pod));
    publish(context, memory, apiPod, due.actions.length > 0 ? STATUS_DELAY_MS : 0);
    if (due.actions.length === 0) {
      const after = context.statuses.current(apiPod);
      if (isTerminalPhase(after.status?.phase)) return { wakeAtMs: undefined, ended: true };
      await refreshVolumes(context, memory, after);
      await removeOldRuns(context, memory, after);
      const wakes = [due.wakeAtMs, deadlineMs].filter((each) => each !== undefined);
      return { wakeAtMs: wakes.length === 0 ? undefined : Math.min(...wakes), ended: false };
    }
    for (const action of due.actions) {
      signal.throwIfAborted();
      await perform(context, memory, context.statuses.current(apiPod), action, signal);
      // What comes next depends on how it ended.
      if (action.kind === 'killContainer') break;
    }
  }
  throw new Error(`Pod ${formatPod(apiPod)} did not come to rest in ${ROUNDS_MAX} rounds`);
}

function decide(context: PodContext, memory: PodMemory, pod: Pod): readonly PodAction[] {
  return computePodActions({
    pod,
    observed: memory.observed,
    hashOf: hashContainer,
    probesOf: (id) => context.probes.results(id),
    wasStarted: (name) => wasStarted(pod, name),
  });
}

/** Computes the status and hands it on; probes follow what runs. */
export function publish(
  context: PodContext,
  memory: PodMemory,
  apiPod: Pod,
  delayMs: number,
  ended = false,
): void {
  const pod = context.statuses.current(apiPod);
  const podIp = memory.observed.sandboxes[0]?.ips[0] ?? context.nodeIp;
  context.probes.follow(pod, memory.observed, isHostNetwork(pod) ? context.nodeIp : podIp);
  const status = podStatus({
    pod,
    observed: memory.observed,
    runtimeName: context.runtime.name,
    hostIp: context.nodeIp,
    nowMs: context.clock.wallMs(),
    ended,
    waiting: memory.waiting,
    probes: (container, id) => context.probes.state(container, id),
    ...(memory.failure === undefined ? {} : { failure: memory.failure }),
  });
  context.statuses.set(apiPod, status, delayMs);
}

interface DueActions {
  readonly actions: readonly PodAction[];
  readonly wakeAtMs: number | undefined;
}

/** Leaves out the starts whose back-off hasn't passed, and says so in their waiting state. */
function selectDue(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  actions: readonly PodAction[],
): DueActions {
  const nowMs = context.clock.wallMs();
  let wakeAtMs = Infinity;
  const due = actions.filter((action) => {
    if (action.kind !== 'startContainer') return true;
    const { name } = action.container;
    const crashAtMs = crashUntilMs(context, memory, pod, action);
    const atMs = Math.max(crashAtMs, memory.retries.get(name)?.atMs ?? 0);
    if (atMs <= nowMs) return true;
    wakeAtMs = Math.min(wakeAtMs, atMs);
    return false;
  });
  return { actions: due, wakeAtMs: wakeAtMs === Infinity ? undefined : wakeAtMs };
}

type StartAction = Extract<PodAction, { readonly kind: 'startContainer' }>;

function crashUntilMs(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  { container }: StartAction,
): number {
  const run = latestRun(memory.observed, container.name);
  if (run?.state !== 'exited' || run.finishedAtMs === undefined) return 0;
  const entry = memory.crashes.get(container.name);
  const atMs = mayStartAtMs(entry, hashContainer(container), run.finishedAtMs);
  if (entry === undefined || atMs <= context.clock.wallMs()) return 0;
  const message = crashLoopMessage(entry.delayMs, container.name, formatPod(pod));
  if (memory.waiting.get(container.name)?.message !== message) {
    memory.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
    const regarding = containerReference(pod, container);
    const text = `Back-off restarting failed container ${container.name} in pod ${formatPod(pod)}`;
    context.events.record(regarding, 'Warning', 'BackOff', text);
  }
  return atMs;
}

async function perform(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  action: PodAction,
  signal: AbortSignal,
): Promise<void> {
  const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const deadlineMs = context.clock.monotonicMs() + graceMs;
  switch (action.kind) {
    case 'killPod':
      return killPod(context, memory, pod, deadlineMs, false, signal);
    case 'createSandbox':
      return createSandbox(context, memory, pod, action.attempt);
    case 'removeContainer':
      await context.cri.removeContainer({ container_id: action.id });
      return;
    case 'killContainer': {
      const { id, container, message, reason } = action;
      const probe = reason === 'liveness' ? container.livenessProbe : container.startupProbe;
      const seconds = probe?.terminationGracePeriodSeconds;
      const isProbe = reason === 'liveness' || reason === 'startup';
      const ownMs = isProbe && seconds !== undefined ? seconds * 1000 : graceMs;
      const target = {
        pod,
        id,
        name: container.name,
        message,
        deadlineMs: context.clock.monotonicMs() + ownMs,
        force: false,
      };
      return killContainer(context, memory, target, signal);
    }
    case 'startContainer':
      return start(context, memory, pod, action, signal);
  }
}

async function start(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  { container, attempt }: StartAction,
  signal: AbortSignal,
): Promise<void> {
  const { name } = container;
  const [sandbox] = memory.observed.sandboxes;
  // Another action of this round may have taken it away: the next round will see.
  if (sandbox === undefined) return;
  const previous = latestRun(memory.observed, name);
  const volumes = memory.volumes ?? (await setUpVolumes(context, memory, pod));
  if (!isHostNetwork(pod)) {
    writeEtcHosts(context.paths, pod, sandbox.ips, context.clusterDomain);
  }
  const config = sandboxConfigOf(context, pod, sandbox.attempt);
  try {
    const withIps = withAddresses(pod, sandbox.ips, context.nodeIp);
    const input = { pod: withIps, container, attempt, sandboxId: sandbox.id };
    await startContainer(context, { ...input, sandbox: config, volumes }, signal);
    memory.waiting.delete(name);
    memory.retries.delete(name);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    noteFailure(context, memory, name, error);
  }
  if (previous?.state === 'exited' && previous.finishedAtMs !== undefined) {
    const entry = memory.crashes.get(name);
    // What came before the container could run isn't a crash of it.
    if (!memory.retries.has(name)) {
      memory.crashes.set(
        name,
        afterRestart(entry, hashContainer(container), previous.finishedAtMs),
      );
    }
  }
}

function noteFailure(
  context: PodContext,
  memory: PodMemory,
  name: string,
  error: StartError,
): void {
  const failures = memory.retries.get(name)?.failures ?? 0;
  const isPull = error.reason === 'ErrImagePull';
  const retryMs = isPull
    ? PULL_ERROR_SHOWN_MS
    : (error.retryMs ?? backoffMs(START_RETRY, failures));
  memory.retries.set(name, { failures: failures + 1, atMs: context.clock.wallMs() + retryMs });
  memory.waiting.set(name, { reason: error.reason, message: error.message });
}

/** The downward API of a container that starts knows the addresses before the API does. */
function withAddresses(pod: Pod, ips: readonly string[], nodeIp: string): Pod {
  const own = isHostNetwork(pod) ? [nodeIp] : ips;
  const [podIP] = own;
  const addresses = {
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    ...(podIP === undefined ? {} : { podIP, podIPs: own.map((ip) => ({ ip })) }),
  };
  return { ...pod, status: { ...pod.status, ...addresses } };
}

function activeDeadlineMs(pod: Pod): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  const startedMs = parseApiTime(pod.status?.startTime);
  return seconds === undefined || startedMs === undefined ? undefined : startedMs + seconds * 1000;
}

/** Of each container the newest run stays and one before it, whose state is the last state. */
async function removeOldRuns(context: PodContext, memory: PodMemory, pod: Pod): Promise<void> {
  const { containers, sandboxes } = memory.observed;
  const old = containers.filter((run) => {
    const newer = containers.filter((each) => each.name === run.name && each.attempt > run.attempt);
    return run.state !== 'running' && newer.length > DEAD_RUNS_KEPT;
  });
  for (const { id, name, attempt } of old) {
    await context.cri.removeContainer({ container_id: id });
    const log = path.join(context.paths.podLogs(pod), name, `${attempt}.log`);
    await rm(log, { force: true });
  }
  const kept = containers.filter((run) => !old.includes(run));
  for (const { id } of sandboxes.slice(1)) {
    if (kept.some(({ sandboxId }) => sandboxId === id)) continue;
    await context.cri.stopPodSandbox({ pod_sandbox_id: id });
    await context.cri.removePodSandbox({ pod_sandbox_id: id });
  }
}
