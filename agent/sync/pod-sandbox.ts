/** Makes what comes before containers: folders, cgroup, volumes, the sandbox. */

import { mkdirSync } from 'node:fs';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import type { Input, PodSandboxConfig } from '../../proto/cri/types.ts';
import { sandboxConfig } from '../cri/sandbox-config.ts';
import { unsupportedFields, unsupportedVolumes } from '../pod/unsupported.ts';
import { VolumeError } from '../volumes/projections.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';

/** Volumes from the API are compared with it this often, as the kubelet's sync period. */
export const VOLUME_REFRESH_MS = 60_000;

export function sandboxConfigOf(
  context: PodContext,
  pod: Pod,
  attempt: number,
): Input<PodSandboxConfig> {
  const dns = context.dnsOf(pod);
  const users = context.userNamespaces.mappingOf(pod);
  return sandboxConfig({
    pod,
    attempt,
    logDirectory: context.paths.podLogs(pod),
    cgroupParent: context.cgroups.pathOf(pod),
    ...(dns === undefined ? {} : { dns }),
    ...(users === undefined ? {} : { users }),
  });
}

/** Volumes are set up while the sandbox is made; a failure of either is recorded and thrown. */
export async function createSandbox(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
  attempt: number,
): Promise<void> {
  const fields = [...unsupportedFields(pod), ...(await unsupportedByRuntime(context, pod))];
  if (fields.length > 0) {
    const message = `Failed to create pod sandbox: ${fields.join('; ')}`;
    context.events.record(pod, 'Warning', 'FailedCreatePodSandBox', message);
    throw new Error(message);
  }
  const refused = unsupportedVolumes(pod);
  if (refused.length > 0) throw failMount(context, pod, new VolumeError(refused.join('; ')));
  const { paths, cgroups, cri, events } = context;
  cgroups.ensure(pod);
  mkdirSync(paths.podLogs(pod), { recursive: true });
  mkdirSync(paths.pod(pod.metadata.uid), { recursive: true, mode: 0o750 });
  const run = cri.runPodSandbox({ config: sandboxConfigOf(context, pod, attempt) });
  const outcomes = await Promise.allSettled([run, setUpVolumes(context, memory, pod)]);
  const [sandbox, volumes] = outcomes;
  if (sandbox.status === 'rejected') {
    const error: unknown = sandbox.reason;
    if (error instanceof CriError && error.code !== 'UNAVAILABLE') {
      const message = `Failed to create pod sandbox: ${error.message}`;
      events.record(pod, 'Warning', 'FailedCreatePodSandBox', message);
    }
    throw error;
  }
  // What failed in the old sandbox may well work in the new one.
  memory.retries.clear();
  // Tried again before the first container starts.
  if (volumes.status === 'rejected' && !(volumes.reason instanceof VolumeError)) {
    throw volumes.reason;
  }
}

/** A runtime that does not know the field would run the pod without it. */
async function unsupportedByRuntime(
  { cri }: Pick<PodContext, 'cri'>,
  pod: Pod,
): Promise<readonly string[]> {
  if (pod.spec.hostUsers !== false) return [];
  const { runtime_handlers: handlers } = await cri.status({});
  const handler = handlers.find(({ name }) => name === '');
  return handler?.features?.user_namespaces === true
    ? []
    : ['spec.hostUsers: false is not supported by the runtime'];
}

/** Records and throws what is in the way. */
export async function setUpVolumes(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
): Promise<VolumePaths> {
  try {
    memory.volumes = await context.volumes.setUp(pod);
    memory.volumesAtMs = context.clock.monotonicMs();
    return memory.volumes;
  } catch (error) {
    throw failMount(context, pod, error);
  }
}

/** Brings volumes up to date when it is time; what is in the way is tried again later. */
export async function refreshVolumes(
  context: PodContext,
  memory: PodMemory,
  pod: Pod,
): Promise<void> {
  const dueMs = memory.volumesAtMs + VOLUME_REFRESH_MS;
  const adopted = memory.volumes === undefined;
  if ((pod.spec.volumes ?? []).length === 0) return;
  if (!adopted && context.clock.monotonicMs() < dueMs) return;
  memory.volumesAtMs = context.clock.monotonicMs();
  try {
    memory.volumes = await context.volumes.setUp(pod);
  } catch (error) {
    context.logger.debug('Could not refresh volumes', { pod: pod.metadata.name, error });
  }
}

function failMount(context: PodContext, pod: Pod, error: unknown): unknown {
  if (error instanceof VolumeError) {
    const message = `MountVolume.SetUp failed: ${error.message}`;
    context.events.record(pod, 'Warning', 'FailedMount', message);
  }
  return error;
}
