/**
 * Ends containers: preStop hook, stop signal, the rest of the grace, SIGKILL; regular containers
 * together, then sidecars one after the other in reverse order; then the sandboxes. Every part may
 * be repeated, with a nearer deadline too.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go `killContainer` and
 * kuberuntime_termination_order.go, v1.36.
 */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { initContainersOf, isSidecar } from '../pod/container-kinds.ts';
import type { ObservedContainer } from '../pod/observed-pod.ts';
import { containerReference } from './container-reference.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';

/** After a preStop hook a container has at least this many seconds for its stop signal. */
const GRACE_SECONDS_MIN = 2;

export interface KillTarget {
  readonly pod: Pod;
  readonly id: string;
  readonly name: string;
  /** For the event. */
  readonly message: string;
  /** Monotonic; in the past: SIGKILL at once. */
  readonly deadlineMs: number;
  /** The grace the deadline was made of was 0: nothing is waited for. */
  readonly force: boolean;
}

/** Resolves when the container has ended. */
export async function killContainer(
  context: PodContext,
  memory: PodMemory,
  target: KillTarget,
  signal: AbortSignal,
): Promise<void> {
  const { pod, id, name } = target;
  if (!memory.announced.has(id)) {
    memory.announced.add(id);
    const regarding = containerReference(pod, { name });
    context.events.record(regarding, 'Normal', 'Killing', target.message);
  }
  if (!target.force) await awaitPreStop(context, memory, target, signal);
  signal.throwIfAborted();
  const leftMs = target.deadlineMs - context.clock.monotonicMs();
  const seconds = Math.ceil(leftMs / 1000);
  const timeout = target.force ? 0 : Math.max(seconds, GRACE_SECONDS_MIN);
  try {
    await context.cri.stopContainer({ container_id: id, timeout }, { signal });
  } catch (error) {
    if (error instanceof CriError && error.code === 'NOT_FOUND') return;
    throw error;
  }
}

/** Until the hook has ended or the grace has passed. */
async function awaitPreStop(
  context: PodContext,
  memory: PodMemory,
  target: KillTarget,
  signal: AbortSignal,
): Promise<void> {
  const hook = beginPreStop(context, memory, target);
  if (hook === undefined) return;
  const leftMs = target.deadlineMs - context.clock.monotonicMs();
  if (leftMs <= 0) return;
  const stopWaiting = new AbortController();
  const deadline = context.clock.after(leftMs, AbortSignal.any([signal, stopWaiting.signal]));
  await Promise.race([hook, deadline]);
  stopWaiting.abort();
}

/** The hook of a run begins once, however often it is asked for. */
function beginPreStop(
  context: PodContext,
  memory: PodMemory,
  target: KillTarget,
): Promise<void> | undefined {
  const { pod, id, name } = target;
  const known = memory.preStops.get(id);
  if (known !== undefined) return known;
  const container = containerOf(pod, name);
  const handler = container?.lifecycle?.preStop;
  if (container === undefined || handler === undefined) return undefined;
  const podIp = pod.status?.podIP ?? context.nodeIp;
  const hook = context
    .hooks(handler, { container, containerId: id, podIp }, new AbortController().signal)
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const message = `PreStopHook failed: ${why}`;
      const regarding = containerReference(pod, { name });
      context.events.record(regarding, 'Warning', 'FailedPreStopHook', message);
    });
  memory.preStops.set(id, hook);
  return hook;
}

function containerOf(pod: Pod, name: string): Container | undefined {
  return [...initContainersOf(pod), ...pod.spec.containers].find((each) => each.name === name);
}

/** Ends all containers and sandboxes that are observed; fails when the signal is aborted. */
export async function killPod(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  deadlineMs: number,
  force: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { observed } = memory;
  const sidecars = initContainersOf(pod).filter(isSidecar);
  const running = observed.containers.filter(({ state }) => state === 'running');
  const target = ({ id, name }: ObservedContainer): KillTarget => ({
    pod,
    id,
    name,
    message: `Stopping container ${name}`,
    deadlineMs,
    force,
  });
  const isOfSidecar = (run: ObservedContainer): boolean =>
    sidecars.some(({ name }) => name === run.name);
  // Hooks of sidecars begin with everyone's.
  if (!force) for (const run of running) void beginPreStop(context, memory, target(run));
  const kill = (run: ObservedContainer): Promise<void> =>
    killContainer(context, memory, target(run), signal);
  await Promise.all(running.filter((run) => !isOfSidecar(run)).map(kill));
  for (const { name } of sidecars.toReversed()) {
    for (const run of running.filter((each) => each.name === name)) await kill(run);
  }
  for (const sandbox of observed.sandboxes) {
    await context.cri.stopPodSandbox({ pod_sandbox_id: sandbox.id }, { signal });
  }
}
