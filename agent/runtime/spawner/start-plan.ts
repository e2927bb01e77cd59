/** What the start of a container needs besides its spec: looked up on the machine, in one place. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { DeviceRule } from '../cgroup/device-rules.ts';
import { type CgroupLayout, cgroupFolders } from '../cgroup/layout.ts';
import {
  type DeviceNode,
  type MountFacts,
  type MountStep,
  mountPlan,
} from '../container/mount-plan.ts';
import type { ContainerSpec } from '../container/spec.ts';
import {
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
} from '../syscalls/linux.ts';

/** Files of the sandbox' namespaces and its /dev/shm; absent where the node's are used. */
export interface SandboxPaths {
  readonly net?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly pid?: string;
  readonly user?: string;
  readonly shm?: string;
}

export interface StartPlan {
  readonly cloneFlags: number;
  /** Present in a user namespace: what is cloned or unshared inside of it. */
  readonly user?: { readonly file: string; readonly flags: number };
  readonly namespaces: readonly { readonly file: string; readonly flags: number }[];
  readonly mounts: readonly MountStep[];
  /** Undefined: all devices. */
  readonly deviceRules: readonly DeviceRule[] | undefined;
}

const HOST_SHM = '/dev/shm';
const FILE_TYPE = 0o170000;
const CHARACTER = 0o020000;
const BLOCK = 0o060000;
/** Folders of /dev that the container has of its own. */
const OWN_DEV_FOLDERS = ['pts', 'shm', 'mqueue'];

export function planStart(request: {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxPaths;
  readonly layout: CgroupLayout;
}): StartPlan {
  const { spec, sandbox, layout } = request;
  const { network, ipc, uts, pid, user } = spec.namespaces;
  const ownFlags = CLONE_NEWNS | (pid.kind === 'container' ? CLONE_NEWPID : 0);
  const join = (mode: 'pod' | 'node', file: string | undefined, flags: number) =>
    mode === 'node' || file === undefined ? [] : [{ file, flags }];
  const devices = spec.isPrivileged
    ? allDevices('/dev')
    : spec.devices.map(({ hostPath, containerPath }) => deviceNode(hostPath, containerPath));
  const facts: MountFacts = {
    cgroup: cgroupFacts(layout, spec.cgroupPath),
    shmFolder: ipc === 'pod' ? (sandbox.shm ?? HOST_SHM) : HOST_SHM,
    devices,
  };
  return {
    // Namespaces belong to the user namespace in which they are made.
    ...(user === undefined
      ? { cloneFlags: ownFlags }
      : { cloneFlags: 0, user: { file: sandbox.user ?? '', flags: ownFlags } }),
    namespaces: [
      ...join(network, sandbox.net, CLONE_NEWNET),
      ...join(ipc, sandbox.ipc, CLONE_NEWIPC),
      ...join(uts, sandbox.uts, CLONE_NEWUTS),
    ],
    mounts: mountPlan(spec, facts),
    deviceRules: spec.isPrivileged ? undefined : deviceRules(spec, devices),
  };
}

function cgroupFacts(layout: CgroupLayout, cgroup: string): MountFacts['cgroup'] {
  if (layout.kind === 'v2') return { kind: 'v2', folder: `${layout.mount}${cgroup}` };
  const folders = cgroupFolders(layout, cgroup).map((folder) => ({
    name: path.basename(folder.slice(0, -cgroup.length)),
    folder,
  }));
  return { kind: 'v1', folders };
}

function deviceRules(spec: ContainerSpec, nodes: readonly DeviceNode[]): readonly DeviceRule[] {
  return nodes.map(({ mode, major, minor }, index) => ({
    type: (mode & FILE_TYPE) === BLOCK ? 'b' : 'c',
    major,
    minor,
    access: spec.devices[index]?.permissions ?? 'rwm',
  }));
}

/** Throws when the path is not a device. */
function deviceNode(hostPath: string, containerPath: string): DeviceNode {
  const { mode, rdev } = statSync(hostPath);
  if (![CHARACTER, BLOCK].includes(mode & FILE_TYPE))
    throw new Error(`${hostPath} is not a device`);
  return { path: containerPath, hostPath, mode, ...splitDevice(rdev) };
}

function allDevices(folder: string): readonly DeviceNode[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return OWN_DEV_FOLDERS.includes(entry.name) ? [] : allDevices(file);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    return entry.name === 'console' ? [] : [deviceNode(file, file)];
  });
}

/** Source: makedev(3). */
function splitDevice(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >> 8) & 0xfff, minor: (device & 0xff) | ((device >> 12) & 0xfff00) };
}
