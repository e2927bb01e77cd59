/** From a CRI request, the image and the sandbox to the record and the spec of a container. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CriError } from '../../../proto/cri/rpcs.ts';
import type {
  ContainerConfig,
  LinuxContainerSecurityContext,
  Mount,
  NamespaceOption,
} from '../../../proto/cri/types.ts';
import type {
  BindMount,
  ContainerNamespaces,
  ContainerSpec,
  PidNamespace,
} from '../container/spec.ts';
import type { HostMount } from '../image/host-image.ts';
import type { StoredImage } from '../image/image-store.ts';
import { MergedTree } from '../image/merged-tree.ts';
import { resolveUser } from '../image/user.ts';
import type { ContainerRecord, ContainerUser } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';
import { type ImageVolume, mountWithDigest, volumeMount } from './image-volumes.ts';
import { containerMounts } from './mounts.ts';
import { podFileMounts } from './pod-files.ts';
import { processSpec } from './process.ts';
import { CONTAINER_PIDS_MAX, cgroupResources } from './resources.ts';
import { seccompFilter } from './seccomp.ts';
import { signalNumber, stopSignalName } from './signals.ts';
import { checkSameUserNamespace, userNamespace } from './user-namespace.ts';

/** Larger passwd and group files of an image are cut off there. */
const USER_FILE_BYTES_MAX = 1024 * 1024;

export interface ContainerInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxRecord;
  readonly image: StoredImage;
  /** Overlay's lower folders, the top one first. */
  readonly lowers: readonly string[];
  /** Of the host, that belong to the image. */
  readonly imageMounts: readonly HostMount[];
  /** By mount: the images that are mounted, with overlay's lower folders. */
  readonly volumes: ReadonlyMap<Mount, ImageVolume & { readonly lowers: readonly string[] }>;
  /** For the upper and work folders. */
  readonly folder: string;
  /** The sandbox's own files: pod-files.ts. */
  readonly sandboxFolder: string;
  readonly cgroupParent: string;
  readonly nowNs: string;
}

export interface NewContainer {
  /** In the phase `creating`. */
  readonly record: ContainerRecord;
  readonly spec: ContainerSpec;
}

/** Throws a CriError at what is wrong or not implemented. Reads the image's passwd and group files. */
export function newContainer(input: ContainerInput): NewContainer {
  const { config, image } = input;
  refuseUnimplemented(config);
  const { user, home } = userOf(input);
  const process = processSpec({
    config,
    image: image.config,
    user,
    home,
    hostname: input.sandbox.config.hostname,
  });
  const seccomp = seccompFilter(config.linux?.security_context ?? null, process.capabilities);
  const spec = containerSpec(input, seccomp === undefined ? process : { ...process, seccomp });
  return { record: containerRecord(input, user, spec), spec };
}

function containerSpec(input: ContainerInput, process: ContainerSpec['process']): ContainerSpec {
  const { config, sandbox, folder } = input;
  const context = config.linux?.security_context ?? null;
  const isReadonly = context?.readonly_rootfs ?? false;
  const own = namespaces(sandbox, context?.namespace_options ?? null);
  const log = logPath(sandbox.config.log_directory, config.log_path);
  return {
    id: input.id,
    namespaces: own,
    rootfs: {
      lower: input.lowers,
      upper: path.join(folder, 'upper'),
      work: path.join(folder, 'work'),
    },
    isRootfsReadonly: isReadonly,
    mounts: [
      ...input.imageMounts.map(imageMount),
      ...containerMounts(
        config.mounts,
        podFileMounts(input.sandboxFolder),
        isReadonly,
        own.user,
        (mount) =>
          volumeMount(mount, input.volumes.get(mount)?.lowers ?? [], path.join(folder, 'empty')),
      ),
    ],
    devices: config.devices.map((device) => ({
      hostPath: device.host_path,
      containerPath: device.container_path,
      permissions: device.permissions === '' ? 'rwm' : device.permissions,
    })),
    maskedPaths: context?.privileged === true ? [] : (context?.masked_paths ?? []),
    readonlyPaths: context?.privileged === true ? [] : (context?.readonly_paths ?? []),
    isPrivileged: isPrivileged(sandbox, context),
    cgroupPath: path.posix.join(input.cgroupParent, input.id),
    resources: {
      pidsLimit: CONTAINER_PIDS_MAX,
      ...cgroupResources(config.linux?.resources ?? null),
    },
    process,
    stdio: {
      isTty: config.tty,
      isStdinOpen: config.stdin,
      isStdinOnce: config.stdin_once,
      ...(log === '' ? {} : { logPath: log }),
    },
  };
}

function imageMount(mount: HostMount): BindMount {
  return {
    kind: 'bind',
    ...mount,
    isReadonly: true,
    propagation: 'private',
    isIdMapped: true,
  };
}

function containerRecord(
  input: ContainerInput,
  user: ContainerUser,
  spec: ContainerSpec,
): ContainerRecord {
  const { id, config, image, sandbox } = input;
  if (config.metadata === null) throw new CriError('INVALID_ARGUMENT', 'the container has no name');
  const stopSignal = stopSignalName(config.stop_signal, image.config.stopSignal);
  if (signalNumber(stopSignal) === undefined) {
    throw new CriError('INVALID_ARGUMENT', `unknown stop signal "${stopSignal}"`);
  }
  return {
    id,
    sandboxId: sandbox.id,
    metadata: config.metadata,
    labels: config.labels,
    annotations: config.annotations,
    image: config.image,
    imageId: image.id,
    imageName: image.repoTags[0] ?? image.id,
    imageRef: image.repoDigests[0] ?? image.id,
    mounts: config.mounts.map((mount) => mountWithDigest(mount, input.volumes.get(mount))),
    resources: config.linux?.resources ?? null,
    cgroupPath: spec.cgroupPath,
    logPath: spec.stdio.logPath ?? '',
    user,
    process: spec.process,
    stopSignal,
    criStopSignal: config.stop_signal,
    isStdinOpen: config.stdin,
    isStdinOnce: config.stdin_once,
    isTty: config.tty,
    phase: 'creating',
    createdAtNs: input.nowNs,
    startedAtNs: '0',
    finishedAtNs: '0',
    exitCode: 0,
    reason: '',
    message: '',
  };
}

function userOf(input: ContainerInput): { readonly user: ContainerUser; readonly home: string } {
  const context = input.config.linux?.security_context ?? null;
  const tree = new MergedTree(input.lowers);
  const resolved = resolveUser(
    {
      runAsUser: bigintOf(context?.run_as_user?.value),
      runAsGroup: bigintOf(context?.run_as_group?.value),
      runAsUsername: context?.run_as_username ?? '',
      supplementalGroups: (context?.supplemental_groups ?? []).map(BigInt),
      policy: context?.supplemental_groups_policy ?? 'Merge',
      imageUser: input.image.config.user,
    },
    readImageFile(tree, 'etc/passwd'),
    readImageFile(tree, 'etc/group'),
  );
  if (resolved.kind === 'invalid') throw new CriError('INVALID_ARGUMENT', resolved.message);
  return resolved;
}

/** Empty when the image has no such file. */
function readImageFile(tree: MergedTree, name: string): string {
  const { entry } = tree.resolve(name, true);
  if (entry?.stats.isFile() !== true) return '';
  return readFileSync(entry.file).subarray(0, USER_FILE_BYTES_MAX).toString('utf8');
}

/** The sandbox's choice of network, IPC and UTS; the container's of PID. */
function namespaces(sandbox: SandboxRecord, own: NamespaceOption | null): ContainerNamespaces {
  const ofSandbox = sandbox.config.linux?.security_context?.namespace_options ?? null;
  checkSameUserNamespace(ofSandbox, own);
  const shared = sandboxNamespaces(sandbox);
  const pid = pidNamespace(own);
  if (pid.kind === 'pod' && ofSandbox?.pid !== 'POD') {
    throw new CriError('INVALID_ARGUMENT', 'the sandbox has no PID namespace for its containers');
  }
  return { sandboxId: sandbox.id, ...shared, pid };
}

export function sandboxNamespaces(
  sandbox: Pick<SandboxRecord, 'config'>,
): Pick<ContainerNamespaces, 'network' | 'ipc' | 'uts' | 'user'> {
  const options = sandbox.config.linux?.security_context?.namespace_options ?? null;
  const network = options?.network === 'NODE' ? 'node' : 'pod';
  const user = userNamespace(options);
  return {
    network,
    ipc: options?.ipc === 'NODE' ? 'node' : 'pod',
    uts: network === 'node' && sandbox.config.hostname === '' ? 'node' : 'pod',
    ...(user === undefined ? {} : { user }),
  };
}

/** Without options a container has PIDs of its own, as the kubelet always asks for. */
function pidNamespace(options: NamespaceOption | null): PidNamespace {
  switch (options?.pid ?? 'CONTAINER') {
    case 'CONTAINER':
      return { kind: 'container' };
    case 'NODE':
      return { kind: 'node' };
    case 'TARGET':
      return { kind: 'target', containerId: options?.target_id ?? '' };
    case 'POD':
      return { kind: 'pod' };
  }
}

function isPrivileged(
  sandbox: SandboxRecord,
  context: LinuxContainerSecurityContext | null,
): boolean {
  if (context?.privileged !== true) return false;
  if (sandbox.config.linux?.security_context?.privileged === true) return true;
  throw new CriError('INVALID_ARGUMENT', 'a privileged container needs a privileged sandbox');
}

/** Empty when the sandbox has no log directory. A log path cannot leave it. */
export function logPath(directory: string, name: string): string {
  if (directory === '' || name === '') return '';
  const file = path.posix.join(directory, name);
  if (path.isAbsolute(directory) && file.startsWith(path.posix.join(directory, '/'))) return file;
  throw new CriError('INVALID_ARGUMENT', `log path "${name}" is not below the log directory`);
}

function refuseUnimplemented(config: ContainerConfig): void {
  const context = config.linux?.security_context;
  const refuse = (what: string): never => {
    throw new CriError('UNIMPLEMENTED', `not implemented: ${what}`);
  };
  if (config.CDI_devices.length > 0) refuse('CDI devices');
  const oldProfile = context?.apparmor_profile ?? '';
  if (context?.apparmor?.profile_type === 'Localhost' || oldProfile.startsWith('localhost/')) {
    refuse('AppArmor profiles');
  }
  for (const { key, value } of config.envs) {
    if (!value.equals(Buffer.from(value.toString('utf8')))) {
      throw new CriError('INVALID_ARGUMENT', `the value of ${key} is not UTF-8`);
    }
  }
}

/** Fields that are accepted and have no effect yet: they are said aloud, so that nobody relies on them. */
export function fieldsWithoutEffect(config: ContainerConfig): readonly string[] {
  const context = config.linux?.security_context ?? null;
  const fields = {
    'apparmor (RuntimeDefault)': context?.apparmor?.profile_type === 'RuntimeDefault',
    selinux_options: Object.values(context?.selinux_options ?? {}).some((value) => value !== ''),
    'mounts[].selinux_relabel': config.mounts.some((mount) => mount.selinux_relabel),
  };
  return Object.entries(fields).flatMap(([field, isGiven]) => (isGiven ? [field] : []));
}

function bigintOf(value: string | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
