/**
 * What one run of a container mounts: its volume mounts, the pod's /etc/hosts, and the file for its
 * termination message.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `makeMounts`, v1.36.
 */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Container, Pod, VolumeMount } from '../../proto/api/gen/core-v1.ts';
import type { Input, Mount } from '../../proto/cri/types.ts';
import type { AgentPaths } from '../agent-paths.ts';
import { ConfigError } from '../environment/container-environment.ts';
import { expand } from '../environment/expand.ts';
import { DEFAULT_TERMINATION_PATH } from '../pod/container-identity.ts';
import { isHostNetwork } from '../pod/container-kinds.ts';
import type { Mounts } from './mounts.ts';
import { openSubPath } from './sub-path.ts';
import type { VolumePaths } from './volume-manager.ts';

export interface ContainerMountsInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly volumes: VolumePaths;
  readonly environment: ReadonlyMap<string, string>;
  readonly paths: AgentPaths;
  readonly mounts: Mounts;
}

const PROPAGATION = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

export async function containerMounts(
  input: ContainerMountsInput,
): Promise<readonly Input<Mount>[]> {
  const { container, pod, paths } = input;
  const mounts: Input<Mount>[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    mounts.push(await volumeMount(input, mount, index));
  }
  const wants = (target: string): boolean =>
    !mounts.some(({ container_path }) => container_path === target);
  if (!isHostNetwork(pod) && wants('/etc/hosts')) {
    mounts.push({ container_path: '/etc/hosts', host_path: paths.etcHosts(pod.metadata.uid) });
  }
  const message = container.terminationMessagePath ?? DEFAULT_TERMINATION_PATH;
  if (message !== '' && wants(message)) {
    mounts.push({ container_path: message, host_path: terminationFile(input) });
  }
  return mounts;
}

async function volumeMount(
  input: ContainerMountsInput,
  mount: VolumeMount,
  index: number,
): Promise<Input<Mount>> {
  const source = input.volumes.get(mount.name);
  if (source === undefined) throw new ConfigError(`volume "${mount.name}" not found`);
  const subPath =
    mount.subPathExpr === undefined || mount.subPathExpr === ''
      ? (mount.subPath ?? '')
      : expand(mount.subPathExpr, (name) => input.environment.get(name));
  const hostPath = subPath === '' ? source : await bindSubPath(input, source, subPath, index);
  const readonly = mount.readOnly ?? isReadOnlyVolume(input.pod, mount.name);
  return {
    container_path: path.resolve('/', mount.mountPath),
    host_path: hostPath,
    readonly,
    propagation: PROPAGATION[mount.mountPropagation ?? 'None'],
    recursive_read_only: mount.recursiveReadOnly === 'Enabled',
  };
}

/** What the API writes into a volume, containers can't. */
function isReadOnlyVolume(pod: Pod, name: string): boolean {
  const volume = pod.spec.volumes?.find((each) => each.name === name);
  if (volume === undefined) return false;
  const { configMap, secret, downwardAPI, projected } = volume;
  return [configMap, secret, downwardAPI, projected].some((source) => source !== undefined);
}

async function bindSubPath(
  input: ContainerMountsInput,
  source: string,
  subPath: string,
  index: number,
): Promise<string> {
  const { pod, container, paths, mounts } = input;
  await using handle = await openSubPath(source, subPath);
  const root = paths.subPaths(pod.metadata.uid);
  const folder = path.join(root, container.name, String(input.attempt));
  const target = path.join(folder, String(index));
  await mkdir(folder, { recursive: true });
  await mounts.unmountBelow(target);
  if ((await handle.stat()).isDirectory()) await mkdir(target, { recursive: true });
  else await writeFile(target, '', { flag: 'a' });
  await mounts.bind(`/proc/${process.pid}/fd/${handle.fd}`, target);
  await stat(target);
  return target;
}

/** A file of its own for each run: a message of an earlier one isn't taken for its. */
function terminationFile(input: ContainerMountsInput): string {
  const { pod, container, attempt, paths } = input;
  const folder = paths.container(pod.metadata.uid, container.name, attempt);
  const file = path.join(folder, 'termination-log');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, '');
  // The container may run as anyone.
  chmodSync(file, 0o666);
  return file;
}
