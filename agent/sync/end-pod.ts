/**
 * Ends a pod for good: its containers within their grace, its sandboxes, volumes and cgroups; then,
 * when it is being deleted, its final status, its removal from the API, and its last traces on the
 * node.
 */

import { rm } from 'node:fs/promises';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { killPod } from './kill-pod.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { publish } from './sync-pod.ts';

export interface Grace {
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly force: boolean;
  /** The API no longer has the pod: there is nobody to tell. */
  readonly gone: boolean;
}

/** Afterwards nothing of the pod runs; what it left (statuses, logs) stays. Idempotent. */
export async function endPod(
  context: PodContext,
  memory: PodMemory,
  apiPod: Pod,
  grace: Grace,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = apiPod.metadata;
  memory.observed = await memory.observer.observe(signal);
  context.probes.terminating(uid);
  const pod = context.statuses.current(apiPod);
  await killPod(context, memory, pod, grace.deadlineMs, grace.force, signal);
  memory.observed = await memory.observer.observe(signal);
  context.probes.remove(uid);
  if (!grace.gone) publish(context, memory, apiPod, 0, true);
  await context.volumes.tearDown(uid);
  await context.cgroups.remove(uid);
  memory.volumes = undefined;
}

/** Removes what is left of a pod that the API no longer has. Idempotent. */
export async function forgetPod(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = pod.metadata;
  memory.observed = await memory.observer.observe(signal);
  for (const { id } of memory.observed.sandboxes) {
    await context.cri.removePodSandbox({ pod_sandbox_id: id }, { signal });
  }
  await context.cgroups.remove(uid);
  await rm(context.paths.podLogs(pod), { recursive: true, force: true });
  context.statuses.forget(uid);
  context.images.forget(uid);
}
