/**
 * What is mounted and made in the root of a container, in order: a pure function of its spec. Carried
 * out by rootfs.ts in the cloned child.
 */

import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from '../syscalls/linux.ts';
import type { ContainerSpec, MountSpec } from './spec.ts';

/** Paths are absolute, in the container, except `source`. Missing targets are made. */
export type MountStep =
  | {
      readonly kind: 'filesystem';
      readonly type: string;
      readonly target: string;
      /** A value of null is a flag. */
      readonly options: readonly (readonly [key: string, value: string | null])[];
      /** MOUNT_ATTR_… */
      readonly attributes: number;
      /** What the runtime relies on to be there: not behind a link of the image. */
      readonly isOwn: boolean;
    }
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly isReadonly: boolean;
      /** Whether read-only goes for what is mounted below, too. */
      readonly isRecursiveReadonly: boolean;
      readonly propagation: 'private' | 'slave' | 'shared';
      /** Owners are mapped to the user namespace. */
      readonly isIdMapped: boolean;
    }
  | {
      readonly kind: 'image';
      readonly lower: readonly string[];
      readonly subPath: string;
      readonly target: string;
    }
  | ({ readonly kind: 'device' } & DeviceNode)
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'folder'; readonly path: string }
  /** The pseudo-terminal of the process, at /dev/console. */
  | { readonly kind: 'console' }
  | { readonly kind: 'mask'; readonly path: string }
  | { readonly kind: 'readonly'; readonly path: string }
  /** What is mounted there, without what is mounted below. */
  | { readonly kind: 'readonly-mount'; readonly path: string };

export interface DeviceNode {
  readonly path: string;
  /** Bound from there in a user namespace, whose root may make no devices. */
  readonly hostPath: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** What of the machine the plan needs to know. */
export interface MountFacts {
  /** Folders of the container's cgroup; the name is that of the hierarchy's own mount. */
  readonly cgroup:
    | { readonly kind: 'v2'; readonly folder: string }
    | { readonly kind: 'v1'; readonly folders: readonly CgroupFolder[] };
  /** Of the sandbox, or of the host. */
  readonly shmFolder: string;
  /** The devices of the spec, looked up; for a privileged container all there are. */
  readonly devices: readonly DeviceNode[];
}

export interface CgroupFolder {
  readonly name: string;
  readonly folder: string;
}

const DEV_BYTES = 65_536 * 1024;
const SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const CHARACTER_DEVICE_0666 = 0o020666;
/** The group `tty` of every distribution. */
const TTY_GROUP = '5';

const OWN_FOLDERS = ['/proc', '/sys', '/dev'];

const DEVICES: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

const LINKS: readonly (readonly [path: string, to: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/core', '/proc/kcore'],
  ['/dev/ptmx', 'pts/ptmx'],
];

export function mountPlan(spec: ContainerSpec, facts: MountFacts): readonly MountStep[] {
  return [
    filesystem('proc', '/proc', SAFE),
    ...devSteps(facts),
    ...sysSteps(spec, facts),
    ...spec.mounts.map(mountStep),
    { kind: 'folder', path: spec.process.cwd },
    ...(spec.stdio.isTty ? [{ kind: 'console' } as const] : []),
    ...spec.readonlyPaths.map((path) => ({ kind: 'readonly', path }) as const),
    ...spec.maskedPaths.map((path) => ({ kind: 'mask', path }) as const),
    ...(spec.isRootfsReadonly ? [{ kind: 'readonly-mount', path: '/' } as const] : []),
  ];
}

function devSteps(facts: MountFacts): readonly MountStep[] {
  const device = ([name, major, minor]: (typeof DEVICES)[number]): MountStep => ({
    kind: 'device',
    path: `/dev/${name}`,
    hostPath: `/dev/${name}`,
    mode: CHARACTER_DEVICE_0666,
    major,
    minor,
  });
  const own = new Set([...DEVICES.map(([name]) => `/dev/${name}`), ...LINKS.map(([path]) => path)]);
  const added = facts.devices.filter((node) => !own.has(node.path));
  return [
    filesystem('tmpfs', '/dev', MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, {
      mode: '755',
      size: String(DEV_BYTES),
    }),
    ...DEVICES.map(device),
    ...LINKS.map(([path, to]) => ({ kind: 'link', path, to }) as const),
    filesystem('devpts', '/dev/pts', MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, {
      newinstance: null,
      ptmxmode: '0666',
      mode: '0620',
      gid: TTY_GROUP,
    }),
    // Of the IPC namespace the process is in, also when that is the node's.
    filesystem('mqueue', '/dev/mqueue', SAFE),
    bind(facts.shmFolder, '/dev/shm', false),
    ...added.map((node) => ({ kind: 'device', ...node }) as const),
  ];
}

function sysSteps(spec: ContainerSpec, facts: MountFacts): readonly MountStep[] {
  const isReadonly = !spec.isPrivileged;
  const readonly = isReadonly ? MOUNT_ATTR_RDONLY : 0;
  // With the node's network a fresh sysfs shows the same as the host's.
  const sys = filesystem('sysfs', '/sys', SAFE | readonly);
  const { cgroup } = facts;
  if (cgroup.kind === 'v2') return [sys, bind(cgroup.folder, '/sys/fs/cgroup', isReadonly)];
  return [
    sys,
    filesystem('tmpfs', '/sys/fs/cgroup', SAFE, { mode: '755' }),
    ...cgroup.folders.map(({ name, folder }) => bind(folder, `/sys/fs/cgroup/${name}`, isReadonly)),
    ...(isReadonly ? [{ kind: 'readonly-mount', path: '/sys/fs/cgroup' } as const] : []),
  ];
}

function mountStep(mount: MountSpec): MountStep {
  switch (mount.kind) {
    case 'bind':
      return {
        kind: 'bind',
        source: mount.source,
        target: mount.target,
        isReadonly: mount.isReadonly,
        isRecursiveReadonly: mount.isRecursiveReadonly === true,
        propagation: mount.propagation,
        isIdMapped: mount.isIdMapped === true,
      };
    case 'image':
      return mount;
    case 'tmpfs': {
      const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
      return filesystem(
        'tmpfs',
        mount.target,
        mount.isReadonly ? attributes | MOUNT_ATTR_RDONLY : attributes,
        {
          mode: mount.mode.toString(8),
          ...(mount.sizeBytes === undefined ? {} : { size: String(mount.sizeBytes) }),
        },
      );
    }
  }
}

function filesystem(
  type: string,
  target: string,
  attributes: number,
  options: Readonly<Record<string, string | null>> = {},
): MountStep {
  const isOwn = OWN_FOLDERS.includes(target);
  return { kind: 'filesystem', type, target, options: Object.entries(options), attributes, isOwn };
}

function bind(source: string, target: string, isReadonly: boolean): MountStep {
  return {
    kind: 'bind',
    source,
    target,
    isReadonly,
    isRecursiveReadonly: false,
    propagation: 'private',
    isIdMapped: false,
  };
}
