/**
 * Starts one run of a container: image, environment, mounts, create, start, postStart hook. Why it
 * didn't work is a {@link StartError}; its reason is what the container's waiting state says.
 *
 * Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go `startContainer`, v1.36.
 */

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import type { Input, Mount, PodSandboxConfig } from '../../proto/cri/types.ts';
import { containerConfig } from '../cri/container-config.ts';
import { ConfigError, containerEnvironment } from '../environment/container-environment.ts';
import { ImageError } from '../images/image-manager.ts';
import { containerMounts } from '../volumes/container-mounts.ts';
import { VolumeError } from '../volumes/projections.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import { containerReference } from './container-reference.ts';
import type { PodContext } from './pod-context.ts';

export interface StartInput {
  /** With its addresses in the status. */
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly sandbox: Input<PodSandboxConfig>;
  readonly volumes: VolumePaths;
}

interface StartErrorOptions extends ErrorOptions {
  readonly reason: string;
  /** Try again after this many milliseconds; absent: the caller's back-off. */
  readonly retryMs?: number;
}

export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  readonly retryMs: number | undefined;

  constructor(message: string, options: StartErrorOptions) {
    super(message, options);
    this.reason = options.reason;
    this.retryMs = options.retryMs;
  }
}

/** Resolves with the container's id when it runs and its postStart hook has succeeded. */
export async function startContainer(
  context: PodContext,
  input: StartInput,
  signal: AbortSignal,
): Promise<string> {
  const { cri, events } = context;
  const { pod, container } = input;
  const regarding = containerReference(pod, container);
  const config = await prepare(context, input, signal);
  signal.throwIfAborted();
  // Not cancelled with the sync: a call that is cut off leaves it open whether it was done.
  const id = await step('CreateContainerError', () =>
    cri.createContainer({
      pod_sandbox_id: input.sandboxId,
      config,
      sandbox_config: input.sandbox,
    }),
  ).catch((error: unknown) => {
    events.record(regarding, 'Warning', 'Failed', `Error: ${messageOf(error)}`);
    throw error;
  });
  const { container_id } = id;
  events.record(regarding, 'Normal', 'Created', `Created container: ${container.name}`);
  if (signal.aborted) {
    await cri.removeContainer({ container_id });
    signal.throwIfAborted();
  }
  await step('RunContainerError', () => cri.startContainer({ container_id })).catch(
    (error: unknown) => {
      events.record(regarding, 'Warning', 'Failed', `Error: ${messageOf(error)}`);
      throw error;
    },
  );
  events.record(regarding, 'Normal', 'Started', `Started container ${container.name}`);
  await postStart(context, input, container_id, signal);
  return container_id;
}

async function prepare(context: PodContext, input: StartInput, signal: AbortSignal) {
  const { pod, container, attempt } = input;
  try {
    const logs = path.join(context.paths.podLogs(pod), container.name);
    mkdirSync(logs, { recursive: true });
    const [image, environment] = await Promise.all([
      context.images.ensure(pod, container, input.sandbox, signal),
      environmentOf(context, pod, container),
    ]);
    const mounts: readonly Input<Mount>[] = await containerMounts({
      pod,
      container,
      attempt,
      volumes: input.volumes,
      environment,
      paths: context.paths,
      mounts: context.mounts,
    });
    const users = context.userNamespaces.mappingOf(pod);
    const memoryCapacityBytes = context.allocatable.memoryBytes;
    return containerConfig({
      pod,
      container,
      attempt,
      environment,
      mounts,
      image,
      memoryCapacityBytes,
      isCgroupV2: context.cgroups.isUnified,
      security: {
        seccompProfileRoot: context.paths.seccompProfiles,
        ...(users === undefined ? {} : { users }),
      },
    });
  } catch (error) {
    if (error instanceof ImageError) {
      const { reason, retryMs } = error;
      throw new StartError(error.message, { cause: error, reason, retryMs });
    }
    if (error instanceof ConfigError || error instanceof VolumeError) {
      const regarding = containerReference(pod, container);
      context.events.record(regarding, 'Warning', 'Failed', `Error: ${error.message}`);
      const reason = 'CreateContainerConfigError';
      throw new StartError(error.message, { cause: error, reason });
    }
    throw error;
  }
}

async function environmentOf(
  context: PodContext,
  pod: Pod,
  container: Container,
): Promise<ReadonlyMap<string, string>> {
  const services = await context.services();
  const { references, allocatable } = context;
  return containerEnvironment({ pod, container, services, references, allocatable });
}

async function step<T>(reason: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    // A runtime that is away is no failure of the container.
    if (!(error instanceof CriError) || error.code === 'UNAVAILABLE') throw error;
    throw new StartError(error.message, { cause: error, reason });
  }
}

async function postStart(
  context: PodContext,
  { pod, container }: StartInput,
  containerId: string,
  signal: AbortSignal,
): Promise<void> {
  const handler = container.lifecycle?.postStart;
  if (handler === undefined) return;
  try {
    const podIp = pod.status?.podIP ?? context.nodeIp;
    await context.hooks(handler, { container, containerId, podIp }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = `PostStartHook failed: ${messageOf(error)}`;
    const regarding = containerReference(pod, container);
    context.events.record(regarding, 'Warning', 'FailedPostStartHook', message);
    const timeout = pod.spec.terminationGracePeriodSeconds ?? 30;
    await context.cri.stopContainer({ container_id: containerId, timeout });
    throw new StartError(message, { cause: error, reason: 'PostStartHookError' });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
