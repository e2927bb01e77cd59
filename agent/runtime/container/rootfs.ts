/**
 * Builds the root of a container, in the cloned child, which has a mount namespace of its own: what is
 * mounted here is gone with the container. Targets are found below the root by fd (in-root.ts) and
 * mounts are attached to those fds, so that nothing in an image can turn them elsewhere.
 *
 * Source: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2) of Linux 6.12.
 */

import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { isFolder, makeInRoot, openInRoot, openParent, tryOpenInRoot } from './in-root.ts';
import type { DeviceNode, MountStep } from './mount-plan.ts';
import { overlayOptions } from './overlay.ts';
import type { OverlayRootfs } from './spec.ts';

const ATTACH = linux.MOVE_MOUNT_F_EMPTY_PATH | linux.MOVE_MOUNT_T_EMPTY_PATH;
const CLONE_TREE = linux.OPEN_TREE_CLONE | linux.OPEN_TREE_CLOEXEC;
/** Of linux/magic.h. */
const PROC_SUPER_MAGIC = 0x9fa0;
/** What lxcfs and the like give containers of their own. Source: runc's list. */
const COVERABLE: readonly string[] = [
  ...['/proc/cpuinfo', '/proc/diskstats', '/proc/meminfo', '/proc/stat', '/proc/swaps'],
  ...['/proc/uptime', '/proc/loadavg', '/proc/slabinfo', '/proc/net/dev'],
];
/** Of the volume of an image. Source: KEP-4639, and what the API says of `volumes[].image`. */
const IMAGE_ATTRIBUTES =
  linux.MOUNT_ATTR_RDONLY |
  linux.MOUNT_ATTR_NOEXEC |
  linux.MOUNT_ATTR_NOSUID |
  linux.MOUNT_ATTR_NODEV;
const PROPAGATION = {
  private: linux.MS_PRIVATE,
  slave: linux.MS_SLAVE,
  shared: linux.MS_SHARED,
} as const;

export interface RootfsRequest {
  readonly rootfs: OverlayRootfs;
  /** A folder of the host to mount the overlay on; seen as a mount only in the container's namespace. */
  readonly mountPoint: string;
  readonly steps: readonly MountStep[];
  /** Opens the pseudo-terminal in the container's /dev/pts; asked once, when a step needs it. */
  readonly openTerminal: (root: number) => number;
}

/** What is opened as the root of the node, and used as the root of the container's user namespace. */
export interface RootfsParts {
  /** By step: the mount to attach; -1 where a step needs none. */
  readonly sources: readonly number[];
  /** The overlay of a container in a user namespace; else it is mounted by {@link enterRootfs}. */
  readonly overlay: number | undefined;
}

/** `user`: an fd of the user namespace whose ids the layers and some mounts are mapped to. */
export function openRootfs(
  request: Omit<RootfsRequest, 'openTerminal'>,
  user: number | undefined,
): RootfsParts {
  const openSource = (step: MountStep): number => {
    if (step.kind === 'bind') return openBind(step, user);
    if (step.kind === 'image') return openImage(step, user);
    return step.kind === 'device' && user !== undefined ? openDevice(step) : -1;
  };
  // Before the propagation changes, while the mounts still have their peers: a shared one stays shared.
  const sources = request.steps.map(openSource);
  return { sources, overlay: user === undefined ? undefined : mapOverlay(request.rootfs, user) };
}

/** Mounts everything and makes it the root of this process; the working directory is `/` then. */
export function enterRootfs(request: RootfsRequest, parts: RootfsParts): void {
  const host = libc.openTree(linux.AT_FDCWD, '/', linux.OPEN_TREE_CLOEXEC);
  libc.mount('none', '/', null, linux.MS_REC | linux.MS_SLAVE, null);
  if (parts.overlay === undefined) mountOverlay(request);
  else {
    libc.moveMount(parts.overlay, host, ATTACH);
    libc.fchdir(parts.overlay);
  }
  const root = openInRoot(linux.AT_FDCWD, '.', linux.O_PATH | linux.O_DIRECTORY);
  let nothing = -1;
  for (const [index, step] of request.steps.entries()) {
    applyStep({ root, step, source: parts.sources[index] ?? -1, request, nothing });
    if (step.kind === 'device' && step.path === '/dev/null') {
      nothing = openInRoot(root, step.path, linux.O_PATH | linux.O_NOFOLLOW);
      verifyDevice(nothing, step);
    }
  }
  libc.pivotRoot('.', '.');
  libc.fchdir(host);
  libc.umount('.', linux.MNT_DETACH);
  libc.chdir('/');
}

function mountOverlay({ rootfs, mountPoint }: RootfsRequest): void {
  const { folder, options } = overlayOptions(rootfs);
  libc.chdir(folder);
  libc.mount('overlay', mountPoint, 'overlay', 0, options);
  libc.chdir(mountPoint);
}

/** An overlay cannot be mapped itself, but its lower layers can; the upper one holds mapped ids. */
function mapOverlay(rootfs: OverlayRootfs, user: number): number {
  const context = libc.fsopen('overlay', linux.FSOPEN_CLOEXEC);
  for (const lower of rootfs.lower) {
    const layer = libc.openTree(linux.AT_FDCWD, lower, CLONE_TREE);
    mapIds(layer, user, lower);
    libc.fsconfigFd(context, linux.FSCONFIG_SET_FD, 'lowerdir+', layer);
  }
  for (const key of ['upper', 'work'] as const) {
    const folder = libc.openTree(linux.AT_FDCWD, rootfs[key], linux.OPEN_TREE_CLOEXEC);
    libc.fsconfigFd(context, linux.FSCONFIG_SET_FD, `${key}dir`, folder);
  }
  libc.fsconfig(context, linux.FSCONFIG_CMD_CREATE, null, null);
  return libc.fsmount(context, linux.FSMOUNT_CLOEXEC, 0);
}

function openBind(step: MountStep & { kind: 'bind' }, user: number | undefined): number {
  const source = libc.openTree(linux.AT_FDCWD, step.source, CLONE_TREE | linux.AT_RECURSIVE);
  if (step.isIdMapped && user !== undefined) mapIds(source, user, step.source);
  setAttributes(source, { propagation: PROPAGATION[step.propagation], isRecursive: true });
  if (step.isReadonly) {
    const isRecursive = step.isRecursiveReadonly;
    setAttributes(source, { set: linux.MOUNT_ATTR_RDONLY, isRecursive });
  }
  return source;
}

/** Mounted nowhere yet. The sub path is found inside of it, whatever the links of the image say. */
function openImage(step: MountStep & { kind: 'image' }, user: number | undefined): number {
  const context = libc.fsopen('overlay', linux.FSOPEN_CLOEXEC);
  for (const lower of step.lower) {
    const layer = libc.openTree(linux.AT_FDCWD, lower, CLONE_TREE);
    if (user !== undefined) mapIds(layer, user, lower);
    libc.fsconfigFd(context, linux.FSCONFIG_SET_FD, 'lowerdir+', layer);
  }
  libc.fsconfig(context, linux.FSCONFIG_CMD_CREATE, null, null);
  const image = libc.fsmount(context, linux.FSMOUNT_CLOEXEC, IMAGE_ATTRIBUTES);
  if (step.subPath === '') return image;
  const part = openInRoot(image, step.subPath);
  return libc.openTree(part, '', linux.AT_EMPTY_PATH | CLONE_TREE);
}

function openDevice(step: MountStep & { kind: 'device' }): number {
  const source = libc.openTree(linux.AT_FDCWD, step.hostPath, CLONE_TREE);
  verifyDevice(source, step);
  return source;
}

/** What is mounted below keeps its owners, who are nobody in the user namespace. */
function mapIds(mount: number, user: number, path: string): void {
  try {
    setAttributes(mount, { set: linux.MOUNT_ATTR_IDMAP, user });
  } catch (cause) {
    throw new Error(`The owners of "${path}" cannot be mapped: its file system does not do it`, {
      cause,
    });
  }
}

function applyStep({
  root,
  step,
  source,
  request,
  nothing,
}: {
  readonly root: number;
  readonly step: MountStep;
  readonly source: number;
  readonly request: RootfsRequest;
  readonly nothing: number;
}): void {
  switch (step.kind) {
    case 'filesystem':
      mountFilesystem(root, step);
      return;
    case 'bind':
    case 'image':
      attach(root, step.target, source);
      return;
    case 'device':
      makeDeviceNode(root, step, source);
      return;
    case 'link': {
      const [folder, name] = openParent(root, step.path);
      libc.symlinkat(step.to, folder, name);
      return;
    }
    case 'folder':
      makeInRoot(root, step.path, 'folder');
      return;
    case 'console': {
      const terminal = libc.openTree(
        request.openTerminal(root),
        '',
        linux.AT_EMPTY_PATH | CLONE_TREE,
      );
      libc.moveMount(terminal, makeInRoot(root, '/dev/console', 'file'), ATTACH);
      return;
    }
    case 'mask':
      maskPath(root, step.path, nothing);
      return;
    case 'readonly':
      makeReadonly(root, step.path);
      return;
    case 'readonly-mount':
      setAttributes(openInRoot(root, step.path), { set: linux.MOUNT_ATTR_RDONLY });
      return;
  }
}

function mountFilesystem(root: number, step: MountStep & { kind: 'filesystem' }): void {
  const target = step.isOwn
    ? openOwnFolder(root, step.target)
    : makeInRoot(root, step.target, 'folder');
  refuseInsideProc(target, step.target);
  const context = libc.fsopen(step.type, linux.FSOPEN_CLOEXEC);
  for (const [key, value] of step.options) {
    const command = value === null ? linux.FSCONFIG_SET_FLAG : linux.FSCONFIG_SET_STRING;
    libc.fsconfig(context, command, key, value);
  }
  libc.fsconfig(context, linux.FSCONFIG_CMD_CREATE, null, null);
  const mount = libc.fsmount(context, linux.FSMOUNT_CLOEXEC, step.attributes);
  libc.moveMount(mount, target, ATTACH);
}

/**
 * A folder that the runtime itself relies on: behind a link of the image it would be somewhere else, and
 * what is hidden or read-only in it would not be.
 */
function openOwnFolder(root: number, path: string): number {
  const found = makeInRoot(root, path, 'folder');
  const exact = openInRoot(root, path, linux.O_PATH | linux.O_NOFOLLOW);
  if (isFolder(found) && isFolder(exact)) return exact;
  throw new Error(`"${path}" of the image is not a folder`);
}

/** In procfs the kernel takes orders: only these files may be covered by something else. */
function refuseInsideProc(target: number, path: string): void {
  if (libc.fileSystemType(target) !== PROC_SUPER_MAGIC || COVERABLE.includes(path)) return;
  throw new Error(`Nothing can be mounted at "${path}", which is in procfs`);
}

function attach(root: number, path: string, source: number): void {
  const target = makeInRoot(root, path, isFolder(source) ? 'folder' : 'file');
  refuseInsideProc(target, path);
  libc.moveMount(source, target, ATTACH);
}

function makeDeviceNode(root: number, step: MountStep & { kind: 'device' }, source: number): void {
  const [folder, name] = openParent(root, step.path);
  if (source === -1) {
    libc.mknodat(folder, name, step.mode, makeDevice(step.major, step.minor));
  } else {
    libc.mknodat(folder, name, linux.S_IFREG, 0);
    libc.moveMount(source, openInRoot(folder, name, linux.O_PATH | linux.O_NOFOLLOW), ATTACH);
  }
}

function verifyDevice(fd: number, expected: Omit<DeviceNode, 'path'>): void {
  const { mode, major, minor } = libc.fileFacts(fd);
  const isSame =
    (mode & linux.S_IFMT) === (expected.mode & linux.S_IFMT) &&
    major === expected.major &&
    minor === expected.minor;
  if (!isSame) throw new Error(`"${expected.hostPath}" is not the device it should be`);
}

/** `nothing`: /dev/null as it was made, whatever a volume has put in its place since. */
function maskPath(root: number, path: string, nothing: number): void {
  const target = tryOpenInRoot(root, path);
  if (target === undefined) return;
  if (isFolder(target)) {
    const context = libc.fsopen('tmpfs', linux.FSOPEN_CLOEXEC);
    libc.fsconfig(context, linux.FSCONFIG_SET_STRING, 'nr_inodes', '1');
    libc.fsconfig(context, linux.FSCONFIG_CMD_CREATE, null, null);
    const mount = libc.fsmount(context, linux.FSMOUNT_CLOEXEC, linux.MOUNT_ATTR_RDONLY);
    libc.moveMount(mount, target, ATTACH);
  } else {
    const mount = libc.openTree(nothing, '', linux.AT_EMPTY_PATH | CLONE_TREE);
    libc.moveMount(mount, target, ATTACH);
  }
}

function makeReadonly(root: number, path: string): void {
  const target = tryOpenInRoot(root, path);
  if (target === undefined) return;
  const mount = libc.openTree(target, '', linux.AT_EMPTY_PATH | CLONE_TREE | linux.AT_RECURSIVE);
  setAttributes(mount, { set: linux.MOUNT_ATTR_RDONLY, isRecursive: true });
  libc.moveMount(mount, target, ATTACH);
}

function setAttributes(
  mount: number,
  change: {
    readonly set?: number;
    readonly propagation?: number;
    /** An fd, for MOUNT_ATTR_IDMAP. */
    readonly user?: number;
    readonly isRecursive?: boolean;
  },
): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(change.set ?? 0), 0);
  attributes.writeBigUInt64LE(BigInt(change.propagation ?? 0), 16);
  attributes.writeBigUInt64LE(BigInt(change.user ?? 0), 24);
  const recursive = change.isRecursive === true ? linux.AT_RECURSIVE : 0;
  libc.mountSetattr(mount, linux.AT_EMPTY_PATH | recursive, attributes);
}

/** As the kernel's new_encode_dev, for the numbers of 32 bits that mknod takes. */
function makeDevice(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12);
}
