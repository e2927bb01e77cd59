/**
 * Decides what to do to a pod on this node. Pure: the pod worker carries the actions out, then asks
 * again with what the runtime reports, so a lost or failed action is simply decided anew. It leaves
 * termination (compute-termination.ts) and the delays after a crash (crash-backoff.ts) to others.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go `computePodActions` and
 * kuberuntime_container.go `computeInitContainerActions`, v1.36.
 */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { initContainersOf, isHostNetwork, isSidecar, restartPolicyOf } from './container-kinds.ts';
import { latestRun, type ObservedContainer, type ObservedPod } from './observed-pod.ts';

/** What the probes of a running container say so far; absent: no result yet. */
export interface ProbeResults {
  readonly liveness?: boolean;
  readonly startup?: boolean;
}

export interface PodActionInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** The hash of the container's spec now; a container made from another one is replaced. */
  hashOf(container: Container): string;
  /** By container id. */
  probesOf(containerId: string): ProbeResults;
  /** Whether the API's status says that a run of this container was started at some time. */
  wasStarted(name: string): boolean;
}

export type KillReason = 'spec changed' | 'liveness' | 'startup' | 'unknown state';

export type PodAction =
  /** Stop every container and the sandbox; what is observed stays readable. */
  | { readonly kind: 'killPod' }
  | { readonly kind: 'createSandbox'; readonly attempt: number }
  | {
      readonly kind: 'killContainer';
      readonly container: Container;
      readonly id: string;
      readonly reason: KillReason;
      readonly message: string;
    }
  /** A container that was made but never started: the agent died in between. */
  | { readonly kind: 'removeContainer'; readonly id: string }
  | {
      readonly kind: 'startContainer';
      readonly container: Container;
      readonly init: boolean;
      readonly attempt: number;
    };

/**
 * Returns the actions that bring the pod nearer to its spec, in the order to carry them out; empty
 * when there is nothing to do. Calling it twice with the same arguments gives the same list.
 *
 * Invariant: at most one start per container, and no container starts before the sandbox is ready.
 */
export function computePodActions(input: PodActionInput): readonly PodAction[] {
  const { pod, observed } = input;
  const [sandbox] = observed.sandboxes;
  if (sandbox === undefined) return replaceSandbox(input, 0);
  const ready = observed.sandboxes.filter((each) => each.ready);
  const usable =
    sandbox.ready && ready.length === 1 && (sandbox.ips.length > 0 || isHostNetwork(pod));
  if (!usable) return replaceSandbox(input, sandbox.attempt + 1);

  const init = initActions(input, sandbox.id);
  if (init.kind === 'failed') return [{ kind: 'killPod' }];
  if (init.kind === 'waiting') return init.actions;

  const app = appActions(input, sandbox.id);
  if (app.kept === 0 && app.actions.every((action) => action.kind !== 'startContainer')) {
    // Sidecars don't keep a pod alive.
    return [{ kind: 'killPod' }];
  }
  return [...init.actions, ...app.actions];
}

/** The pod has no sandbox that works: everything starts over in a new one, unless it is done. */
function replaceSandbox(input: PodActionInput, attempt: number): readonly PodAction[] {
  const { pod, observed } = input;
  const kill: readonly PodAction[] = isAnythingUp(observed) ? [{ kind: 'killPod' }] : [];
  const policy = restartPolicyOf(pod);
  const began = [...pod.spec.containers, ...initContainersOf(pod)].some(
    (container) =>
      latestRun(observed, container.name) !== undefined || input.wasStarted(container.name),
  );
  if (policy === 'Never' && began) return kill;
  const left = pod.spec.containers.filter((container) => {
    const run = latestRun(observed, container.name);
    return policy === 'Always' || run?.state !== 'exited' || run.exitCode !== 0;
  });
  const initialized = pod.spec.containers.some((c) => latestRun(observed, c.name) !== undefined);
  if (left.length === 0 && initialized) return kill;
  return [...kill, { kind: 'createSandbox', attempt }];
}

function isAnythingUp(observed: ObservedPod): boolean {
  return (
    observed.sandboxes.some((sandbox) => sandbox.ready) ||
    observed.containers.some((container) => container.state === 'running')
  );
}

type InitDecision =
  | { readonly kind: 'done' | 'waiting'; readonly actions: readonly PodAction[] }
  | { readonly kind: 'failed' };

/** Init containers run one after the other; the last one that has a run says where we are. */
function initActions(input: PodActionInput, sandboxId: string): InitDecision {
  const { pod, observed } = input;
  const containers = initContainersOf(pod);
  if (containers.length === 0) return { kind: 'done', actions: [] };

  const actions: PodAction[] = [];
  const past = pod.spec.containers.some((c) => runIn(observed, sandboxId, c.name) !== undefined);
  const current = containers.findLastIndex(
    (container) => runIn(observed, sandboxId, container.name) !== undefined,
  );
  // Sidecars before the current one are kept up; once past initialization, all of them are.
  for (const [index, container] of containers.entries()) {
    const kept = past || index < current;
    if (kept && isSidecar(container)) actions.push(...sidecarActions(input, container, sandboxId));
  }
  if (past) return { kind: 'done', actions };
  const step = currentInitStep(input, sandboxId, containers[current]);
  if (step.kind === 'failed') return step;
  actions.push(...step.actions);
  if (step.kind === 'waiting') return { kind: 'waiting', actions };
  const next = containers[current + 1];
  if (next === undefined) return { kind: 'done', actions };
  return { kind: 'waiting', actions: [...actions, start(input, next, true)] };
}

/** `done` when the container after this one may start. */
function currentInitStep(
  input: PodActionInput,
  sandboxId: string,
  container: Container | undefined,
): InitDecision {
  if (container === undefined) return { kind: 'done', actions: [] };
  const run = runIn(input.observed, sandboxId, container.name);
  if (isSidecar(container)) {
    const actions = sidecarActions(input, container, sandboxId);
    const started =
      run?.state === 'running' &&
      (container.startupProbe === undefined || input.probesOf(run.id).startup === true);
    return { kind: started ? 'done' : 'waiting', actions };
  }
  switch (run?.state) {
    case 'running':
      return { kind: 'waiting', actions: [] };
    case 'exited':
      if (run.exitCode === 0) return { kind: 'done', actions: [] };
      if (restartPolicyOf(input.pod) === 'Never') return { kind: 'failed' };
      return { kind: 'waiting', actions: [start(input, container, true)] };
    default:
      return {
        kind: 'waiting',
        actions: [...clear(run, container), start(input, container, true)],
      };
  }
}

function sidecarActions(
  input: PodActionInput,
  container: Container,
  sandboxId: string,
): readonly PodAction[] {
  const run = runIn(input.observed, sandboxId, container.name);
  if (run?.state !== 'running') return [...clear(run, container), start(input, container, true)];
  const kill = whyKill(input, container, run, true);
  return kill === undefined ? [] : [kill, start(input, container, true)];
}

interface AppDecision {
  /** How many containers run and stay. */
  readonly kept: number;
  readonly actions: readonly PodAction[];
}

function appActions(input: PodActionInput, sandboxId: string): AppDecision {
  let kept = 0;
  const actions: PodAction[] = [];
  for (const container of input.pod.spec.containers) {
    const run = latestRun(input.observed, container.name);
    if (run?.state === 'running' && run.sandboxId === sandboxId) {
      const restarts = restartPolicyOf(input.pod) !== 'Never';
      const kill = whyKill(input, container, run, restarts);
      if (kill === undefined) {
        kept += 1;
        continue;
      }
      actions.push(kill);
      if (restarts || kill.reason === 'spec changed') actions.push(start(input, container, false));
    } else if (shouldStart(input, container, run)) {
      actions.push(...clear(run, container), start(input, container, false));
    }
  }
  return { kept, actions };
}

function shouldStart(
  input: PodActionInput,
  container: Container,
  run: ObservedContainer | undefined,
): boolean {
  const policy = restartPolicyOf(input.pod);
  // The runtime lost the run: a pod that may run once only isn't run again.
  if (run === undefined) return policy !== 'Never' || !input.wasStarted(container.name);
  if (run.state !== 'exited') return true;
  switch (policy) {
    case 'Always':
      return true;
    case 'OnFailure':
      return run.exitCode !== 0;
    case 'Never':
      return false;
  }
}

type KillAction = Extract<PodAction, { readonly kind: 'killContainer' }>;

function whyKill(
  input: PodActionInput,
  container: Container,
  run: ObservedContainer,
  restarts: boolean,
): KillAction | undefined {
  const kill = (reason: KillReason, what: string, again: boolean): KillAction => ({
    kind: 'killContainer',
    container,
    id: run.id,
    reason,
    message: `Container ${container.name} ${what}${again ? ', will be restarted' : ''}`,
  });
  if (run.hash !== undefined && run.hash !== input.hashOf(container)) {
    return kill('spec changed', 'definition changed', true);
  }
  const probes = input.probesOf(run.id);
  if (probes.liveness === false) return kill('liveness', 'failed liveness probe', restarts);
  if (probes.startup === false) return kill('startup', 'failed startup probe', restarts);
  return undefined;
}

/** What must go before a container of this name can start. */
function clear(run: ObservedContainer | undefined, container: Container): readonly PodAction[] {
  if (run?.state === 'created') return [{ kind: 'removeContainer', id: run.id }];
  if (run?.state !== 'unknown') return [];
  const message = `Container ${container.name} is in unknown state, try killing it before restart`;
  return [{ kind: 'killContainer', container, id: run.id, reason: 'unknown state', message }];
}

function start(input: PodActionInput, container: Container, init: boolean): PodAction {
  const run = latestRun(input.observed, container.name);
  // A container that was never started leaves its place to the next one.
  const attempt = run === undefined ? 0 : run.state === 'created' ? run.attempt : run.attempt + 1;
  return { kind: 'startContainer', container, init, attempt };
}

/** Init containers count only in the sandbox they ran in: a new sandbox runs them again. */
function runIn(
  observed: ObservedPod,
  sandboxId: string,
  name: string,
): ObservedContainer | undefined {
  return observed.containers.find((c) => c.name === name && c.sandboxId === sandboxId);
}
