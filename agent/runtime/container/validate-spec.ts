/**
 * What is wrong with a spec, in words, before anything is made of it. Pure. The first problem is enough
 * for the sender, so each check gives at most one.
 */

import { capabilityNumber } from './capabilities.ts';
import { isRlimit } from './rlimits.ts';
import type {
  ContainerNamespaces,
  ContainerSpec,
  MountSpec,
  ProcessSpec,
  SandboxSpec,
} from './spec.ts';

const ID = /^[a-z0-9][a-z0-9-]{0,127}$/i;
const CGROUP = /^(\/(?!\.{1,2}(\/|$))[^/\n]+)+$/;
const SYSCTL = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i;
/** Numbers or a name, with spaces or tabs between. */
const SYSCTL_VALUE = /^[\t\x20-\x7e]{1,1024}$/;
/** uid_t is unsigned, but -1 and what is beyond 2^31 mean other things in some calls. */
const ID_NUMBER_MAX = 2 ** 31 - 1;
/** The last one, 2^32 - 1, stands for none. */
const MAPPED_ID_MAX = 2 ** 32 - 1;
/** Of the kernel. */
const HOSTNAME_BYTES_MAX = 64;
const OOM_SCORE_MAX = 1000;

/** The sysctls that have their own value in each namespace. */
const IPC_SYSCTL = /^(kernel\.(shm\w+|msg\w+|sem)|fs\.mqueue\.\w+)$/;

/** Absolute, below the mount of every hierarchy; it cannot lead out. */
export function isCgroupPath(cgroup: string): boolean {
  return CGROUP.test(cgroup);
}

/** Empty when it is fine. */
export function containerProblems(spec: ContainerSpec): readonly string[] {
  return [
    ID.test(spec.id) ? '' : `"${spec.id}" is not a container id`,
    CGROUP.test(spec.cgroupPath) ? '' : `"${spec.cgroupPath}" is not a cgroup path`,
    userNamespaceProblem(spec.namespaces),
    spec.rootfs.lower.length > 0 ? '' : 'the root has no layers',
    ...[...spec.rootfs.lower, spec.rootfs.upper, spec.rootfs.work].map(pathProblem),
    ...spec.mounts.map(mountProblem),
    ...[...spec.maskedPaths, ...spec.readonlyPaths].map(pathProblem),
    spec.stdio.logPath === undefined ? '' : pathProblem(spec.stdio.logPath),
    ...processProblems(spec.process),
  ].filter((problem) => problem !== '');
}

export function processProblems(spec: ProcessSpec): readonly string[] {
  const { user, oomScoreAdj } = spec;
  const unknown = [...spec.capabilities, ...spec.ambientCapabilities].find(
    (name) => capabilityNumber(name) === undefined,
  );
  const badLimit = spec.rlimits.find(({ type }) => !isRlimit(type));
  const all = [...spec.args, ...spec.env];
  return [
    spec.args.length > 0 && spec.args[0] !== '' ? '' : 'there is no program to run',
    all.some((text) => text.includes('\0')) ? 'an argument or variable holds a NUL byte' : '',
    spec.env.every((entry) => entry.indexOf('=') > 0) ? '' : 'a variable is not NAME=value',
    pathProblem(spec.cwd),
    [user.uid, user.gid, ...user.supplementalGroups].every(isIdNumber)
      ? ''
      : `a user or group id is not between 0 and ${ID_NUMBER_MAX}`,
    unknown === undefined ? '' : `"${unknown}" is not a capability`,
    badLimit === undefined ? '' : `"${badLimit.type}" is not a resource limit`,
    oomScoreAdj === undefined || Math.abs(oomScoreAdj) <= OOM_SCORE_MAX
      ? ''
      : `the OOM score ${oomScoreAdj} is not between -1000 and 1000`,
  ].filter((problem) => problem !== '');
}

export function sandboxProblems(spec: SandboxSpec): readonly string[] {
  const isLong = Buffer.byteLength(spec.hostname) > HOSTNAME_BYTES_MAX;
  return [
    ID.test(spec.id) ? '' : `"${spec.id}" is not a sandbox id`,
    spec.uts === 'pod' && isLong ? `the host name "${spec.hostname}" is longer than 64 bytes` : '',
    spec.cgroup === undefined || CGROUP.test(spec.cgroup.path)
      ? ''
      : `"${spec.cgroup.path}" is not a cgroup path`,
    userNamespaceProblem({ ...spec, pid: { kind: 'container' } }),
    spec.sharedPid === undefined || CGROUP.test(spec.sharedPid.cgroupPath)
      ? ''
      : `"${spec.sharedPid.cgroupPath}" is not a cgroup path`,
    ...Object.entries(spec.sysctls).map(([name, value]) => sysctlProblem(name, value, spec)),
  ].filter((problem) => problem !== '');
}

/** What the namespaces of the node own cannot be had by the root of another user namespace. */
function userNamespaceProblem(
  namespaces: Pick<ContainerNamespaces, 'network' | 'ipc' | 'uts' | 'pid' | 'user'>,
): string {
  const { user, network, ipc, uts, pid } = namespaces;
  if (user === undefined) return '';
  const isBad = [user.uids, user.gids].some(
    ({ hostId, length }) =>
      !Number.isInteger(hostId) ||
      !Number.isInteger(length) ||
      hostId < 0 ||
      length < 1 ||
      hostId + length > MAPPED_ID_MAX,
  );
  if (isBad) return 'an id mapping is not within the ids there are';
  return [network, ipc, uts, pid.kind].includes('node')
    ? "a user namespace goes only with the pod's own network, IPC, host name and PIDs"
    : '';
}

function sysctlProblem(name: string, value: string, spec: SandboxSpec): string {
  if (!SYSCTL_VALUE.test(value)) return `the value of sysctl "${name}" is not one line`;
  if (!SYSCTL.test(name)) return `"${name}" is not a sysctl`;
  if (name.startsWith('net.')) {
    return spec.network === 'pod' ? '' : `sysctl "${name}" needs a network of the pod's own`;
  }
  if (!IPC_SYSCTL.test(name)) return `sysctl "${name}" is not namespaced`;
  return spec.ipc === 'pod' ? '' : `sysctl "${name}" needs an IPC namespace of the pod's own`;
}

function mountProblem(mount: MountSpec): string {
  if (mount.kind === 'tmpfs') return pathProblem(mount.target);
  if (mount.kind === 'image') {
    return pathProblem(mount.target) || (mount.lower.map(pathProblem).find(Boolean) ?? '');
  }
  if (mount.isRecursiveReadonly === true && !mount.isReadonly) {
    return `the mount at "${mount.target}" is recursively read-only but not read-only`;
  }
  return pathProblem(mount.target) || pathProblem(mount.source);
}

function pathProblem(path: string): string {
  return path.startsWith('/') && !path.includes('\0') ? '' : `"${path}" is not an absolute path`;
}

function isIdNumber(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= ID_NUMBER_MAX;
}
