/**
 * What a cloned child does for the namespaces of a pod that the spawner cannot make for itself: a user
 * namespace, and a PID namespace that the pod's containers share. It is born in all of the pod's new
 * namespaces; the parent maps ids and pins the namespaces; then it ends, or becomes the first process of
 * the shared PID namespace, in a root that holds nothing but its program.
 */

import type { SeccompFilter } from '../seccomp/profile.ts';
import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { type ChildLine, formatChildLine } from './child-report.ts';
import { becomeRootOfNamespace } from './credentials.ts';
import { openInRoot } from './in-root.ts';
import { applyNamespaceSettings, type NamespaceSettings } from './namespace-settings.ts';
import { podInitProgram } from './pod-init-program.ts';
import { runProgram, setOomScore } from './run-program.ts';

export interface SandboxJob {
  /** As of ChildJob. */
  readonly report: number;
  readonly go: number;
  readonly goWriter: number;
  readonly settings: NamespaceSettings;
  readonly hasUserNamespace: boolean;
  /** Present when it is to stay, as the first process of its PID namespace. */
  readonly init?: { readonly seccomp?: SeccompFilter };
  /** Of the kernel: all are dropped. */
  readonly capabilities: readonly number[];
}

const FAILED_STATUS = 127;
const PROGRAM = 'pause';
/** As the kubelet gives a pod's first process: nearly the last to go. */
const OOM_SCORE = -998;
/** Nobody's, in any image. */
const UNPRIVILEGED_ID = 65_535;
const PROGRAM_MODE = 0o555;

/** Never returns. */
export function runSandboxChild(job: SandboxJob): never {
  const tell = (line: ChildLine): void =>
    void libc.write(job.report, Buffer.from(formatChildLine(line)));
  try {
    libc.close(job.goWriter);
    libc.prctl(linux.PR_SET_DUMPABLE, 0);
    if (job.init !== undefined) setOomScore(OOM_SCORE);
    tell({ kind: 'ready' });
    if (libc.read(job.go, Buffer.alloc(1)) === 0) libc.exitNow(FAILED_STATUS);
    if (job.hasUserNamespace) becomeRootOfNamespace();
    applyNamespaceSettings(job.settings);
    if (job.init !== undefined) {
      enterEmptyRoot();
      becomeInit(job.init.seccomp, job.capabilities, () => tell({ kind: 'exec' }));
    }
    tell({ kind: 'exec' });
    libc.exitNow(0);
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  libc.exitNow(FAILED_STATUS);
}

/** What shares the PID namespace can look into /proc/1/root: there is nothing to see. */
function enterEmptyRoot(): void {
  libc.mount('none', '/', null, linux.MS_REC | linux.MS_SLAVE, null);
  const host = libc.openTree(linux.AT_FDCWD, '/', linux.OPEN_TREE_CLOEXEC);
  const context = libc.fsopen('tmpfs', linux.FSOPEN_CLOEXEC);
  libc.fsconfig(context, linux.FSCONFIG_SET_STRING, 'mode', '0755');
  libc.fsconfig(context, linux.FSCONFIG_CMD_CREATE, null, null);
  const root = libc.fsmount(
    context,
    linux.FSMOUNT_CLOEXEC,
    linux.MOUNT_ATTR_NOSUID | linux.MOUNT_ATTR_NODEV,
  );
  libc.umask(0);
  libc.mknodat(root, PROGRAM, linux.S_IFREG | PROGRAM_MODE, 0);
  const file = openInRoot(root, PROGRAM, linux.O_WRONLY);
  libc.write(file, podInitProgram(process.arch));
  // A file that is open for writing is not executed.
  libc.close(file);
  const readonly = Buffer.alloc(32);
  readonly.writeBigUInt64LE(BigInt(linux.MOUNT_ATTR_RDONLY), 0);
  libc.mountSetattr(root, linux.AT_EMPTY_PATH, readonly);
  libc.moveMount(root, host, linux.MOVE_MOUNT_F_EMPTY_PATH | linux.MOVE_MOUNT_T_EMPTY_PATH);
  libc.fchdir(root);
  libc.pivotRoot('.', '.');
  libc.fchdir(host);
  libc.umount('.', linux.MNT_DETACH);
  libc.chdir('/');
}

function becomeInit(
  seccomp: SeccompFilter | undefined,
  capabilities: readonly number[],
  tellExec: () => void,
): never {
  return runProgram(
    {
      args: [`/${PROGRAM}`],
      env: [],
      cwd: '/',
      user: { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID, supplementalGroups: [] },
      capabilities: [],
      ambientCapabilities: [],
      noNewPrivileges: true,
      rlimits: [],
      ...(seccomp !== undefined && { seccomp }),
    },
    { grantable: capabilities, tellExec },
  );
}
