/**
 * Everything that is needed to make a container, in one value: what the CRI server works out from the
 * request, the image and the sandbox. The spawner adds nothing of its own but the mounts every
 * container has (/proc, /dev and what is in it, /sys, /sys/fs/cgroup) where `mounts` has none there.
 */

import type { CgroupResources } from '../cgroup/resources.ts';
import type { SeccompFilter } from '../seccomp/profile.ts';

export interface ContainerSpec {
  /** [a-z0-9-], unique for ever. */
  readonly id: string;
  readonly namespaces: ContainerNamespaces;
  readonly rootfs: OverlayRootfs;
  readonly isRootfsReadonly: boolean;
  /** Mounted in this order, over the built-in ones. */
  readonly mounts: readonly MountSpec[];
  readonly devices: readonly DeviceSpec[];
  /** Absolute paths in the container; those that do not exist are passed over. */
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** All devices of the host, /sys and the cgroups writable. Capabilities are still as given. */
  readonly isPrivileged: boolean;
  /** Relative to the mount of each hierarchy, as `/skiff/lab/node-1/kubepods/podX/ID`. */
  readonly cgroupPath: string;
  readonly resources: CgroupResources;
  readonly process: ProcessSpec;
  readonly stdio: StdioSpec;
}

/** `pod`: the sandbox's namespace; `node`: the spawner's own. */
export interface ContainerNamespaces {
  readonly sandboxId: string;
  readonly network: 'pod' | 'node';
  readonly ipc: 'pod' | 'node';
  readonly uts: 'pod' | 'node';
  readonly pid: PidNamespace;
  /** The sandbox' own; absent: the node's. */
  readonly user?: UserNamespace;
}

/** How the ids in a user namespace are those of the node. Each has at least the id 0. */
export interface UserNamespace {
  readonly uids: IdMapping;
  readonly gids: IdMapping;
}

/** The ids 0 to `length - 1` are `hostId` and so on outside. */
export interface IdMapping {
  readonly hostId: number;
  readonly length: number;
}

/** `pod`: the sandbox'; `target`: shared with another, running container. */
export type PidNamespace =
  | { readonly kind: 'container' }
  | { readonly kind: 'node' }
  | { readonly kind: 'pod' }
  | { readonly kind: 'target'; readonly containerId: string };

/** An overlay that is mounted in the container's own mount namespace only. */
export interface OverlayRootfs {
  /** Absolute folders of the host, the top one first; at least one. */
  readonly lower: readonly string[];
  readonly upper: string;
  /** On the file system of `upper`. */
  readonly work: string;
}

export type MountSpec = BindMount | TmpfsMount | ImageMount;

export interface BindMount {
  readonly kind: 'bind';
  /** Absolute, of the host; symbolic links are followed. It must exist. */
  readonly source: string;
  /** Absolute, in the container; resolved inside the root and made when missing. */
  readonly target: string;
  readonly isReadonly: boolean;
  /** Also what is mounted below the source becomes read-only. */
  readonly isRecursiveReadonly?: boolean;
  readonly propagation: 'private' | 'slave' | 'shared';
  /** Owners in the source are taken for those of the user namespace: 0 is its root. */
  readonly isIdMapped?: boolean;
}

/** The content of an image, only to be read; owners are mapped to the user namespace. */
export interface ImageMount {
  readonly kind: 'image';
  /** Absolute folders of the host, the top one first; at least two. */
  readonly lower: readonly string[];
  /** Relative to the image's root, inside of which its links are followed; empty: all of it. */
  readonly subPath: string;
  readonly target: string;
}

export interface TmpfsMount {
  readonly kind: 'tmpfs';
  readonly target: string;
  /** Absent: half of the machine's memory, as the kernel has it. */
  readonly sizeBytes?: number;
  /** As 0o1777. */
  readonly mode: number;
  readonly isReadonly: boolean;
}

export interface DeviceSpec {
  readonly hostPath: string;
  readonly containerPath: string;
  /** A subset of `rwm`. */
  readonly permissions: string;
}

/** What one process of a container is given: its init, or one that is executed later. */
export interface ProcessSpec {
  /** At least one; looked up in the PATH of `env` inside the container when it has no slash. */
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Absolute, in the container; made when missing. */
  readonly cwd: string;
  readonly user: UserSpec;
  /** `CAP_CHOWN` …: bounding, permitted and effective set. The inheritable set stays empty. */
  readonly capabilities: readonly string[];
  /** Also inheritable, as the kernel wants it; must be among `capabilities`. */
  readonly ambientCapabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /**
   * -1000 to 1000; 0 when absent. Below the spawner's own it is tried, and let be where the capability
   * for it is missing.
   */
  readonly oomScoreAdj?: number;
  readonly rlimits: readonly RlimitSpec[];
  /** 0o022 when absent. */
  readonly umask?: number;
  /** Absent: not confined. */
  readonly seccomp?: SeccompFilter;
}

export interface UserSpec {
  readonly uid: number;
  readonly gid: number;
  /** Besides `gid`. */
  readonly supplementalGroups: readonly number[];
}

export interface RlimitSpec {
  /** `RLIMIT_NOFILE` … */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface StdioSpec {
  /** A pseudo-terminal is standard input, output and error; all output counts as stdout. */
  readonly isTty: boolean;
  /** Keep standard input open for attachments; else it is /dev/null (or the terminal). */
  readonly isStdinOpen: boolean;
  /** Standard input is closed when the first attachment that had it ends. */
  readonly isStdinOnce: boolean;
  /** Absolute path of the CRI log; absent: not logged. */
  readonly logPath?: string;
}

/** The namespaces that the containers of a pod share. */
export interface SandboxSpec {
  readonly id: string;
  readonly network: 'pod' | 'node';
  readonly ipc: 'pod' | 'node';
  readonly uts: 'pod' | 'node';
  /** Set in the UTS namespace of the pod; at most 64 bytes. */
  readonly hostname: string;
  /** Namespaced ones only: `net.*` with a network of its own, `kernel.shm*`, `kernel.msg*`, … */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Owns all of the pod's namespaces. */
  readonly user?: UserNamespace;
  /** A PID namespace for the containers that ask for it. */
  readonly sharedPid?: SharedPidNamespace;
  /** The pod's cgroup, made when missing and removed with the sandbox; absent: none. */
  readonly cgroup?: { readonly path: string; readonly resources: CgroupResources };
}

export interface SharedPidNamespace {
  /** Of its first process; made and removed with the sandbox. */
  readonly cgroupPath: string;
  /** Of its first process; absent: not confined. */
  readonly seccomp?: SeccompFilter;
}
