/**
 * What a cloned child does, from its first instruction to execve: as the first process of a container,
 * or as one more in it. It runs in a copy of the spawner that has no other threads and no event loop:
 * only what is here and below is called, and all that it needs is in the {@link ChildJob}.
 */

import { cloneSibling } from '../syscalls/clone-process.ts';
import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { MemoryForClone } from '../syscalls/memory-for-clone.ts';
import { type ChildLine, formatChildLine } from './child-report.ts';
import { becomeRootOfNamespace } from './credentials.ts';
import { openInRoot } from './in-root.ts';
import { enterRootfs, openRootfs, type RootfsRequest } from './rootfs.ts';
import { runProgram, setOomScore } from './run-program.ts';
import type { ProcessSpec } from './spec.ts';
import { openTerminal, resizeTerminal, type Terminal, useTerminal } from './terminal.ts';

export interface ChildJob {
  /** Write end of the pipe of child-report.ts. */
  readonly report: number;
  /** Read end: the parent's answers, a byte each. */
  readonly go: number;
  /** The other end of it, inherited like all: closed, so that the parent's end is seen. */
  readonly goWriter: number;
  /** What becomes fd 0, 1 and 2; absent: a pseudo-terminal does. */
  readonly stdio?: readonly [stdin: number, stdout: number, stderr: number];
  /** Of that terminal, in characters; absent: 0 by 0. */
  readonly terminalSize?: { readonly width: number; readonly height: number };
  readonly namespaces: readonly NamespaceEntry[];
  /** Present when the root is built in a user namespace; one that joins has it in `namespaces`. */
  readonly user?: UserNamespaceEntry;
  /** Present for the first process; one that joins finds the root by the mount namespace. */
  readonly rootfs?: Omit<RootfsRequest, 'openTerminal'>;
  readonly process: ProcessSpec;
  /** The spawner's own capabilities. */
  readonly grantable: readonly number[];
}

/** An fd for setns, with the CLONE_NEW… flags of what to join. */
export interface NamespaceEntry {
  readonly fd: number;
  readonly flags: number;
}

/** `flags`: of the namespaces that are made inside of it. */
export interface UserNamespaceEntry {
  readonly fd: number;
  readonly flags: number;
}

const FAILED_STATUS = 127;

/** Never returns. */
export function runChild(job: ChildJob): never {
  const tell = (line: ChildLine): void =>
    void libc.write(job.report, Buffer.from(formatChildLine(line)));
  try {
    becomeProgram(job, tell);
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  libc.exitNow(FAILED_STATUS);
}

function becomeProgram(job: ChildJob, tell: (line: ChildLine) => void): void {
  libc.close(job.goWriter);
  // Until execve this is still the spawner's memory and files: nothing in the container, which can
  // see this process once it has joined, may look into it.
  libc.prctl(linux.PR_SET_DUMPABLE, 0);
  libc.umask(0);
  const { oomScoreAdj, user } = job.process;
  setOomScore(oomScoreAdj ?? 0);
  // While this is still the root of the node: what is in the sources may be nobody else's to see.
  const parts = job.rootfs === undefined ? undefined : openRootfs(job.rootfs, job.user?.fd);
  if (job.user !== undefined) enterUserNamespace(job.user, job.go, tell);
  libc.setsid();
  for (const [index, fd] of (job.stdio ?? []).entries()) libc.dup2(fd, index);
  for (const { fd, flags } of job.namespaces) {
    libc.setns(fd, flags);
    if ((flags & linux.CLONE_NEWUSER) !== 0) becomeRootOfNamespace();
  }
  let terminal: Terminal | undefined;
  const openOwnTerminal = (root: number): number => {
    terminal = openTerminal(root);
    if (job.terminalSize !== undefined) resizeTerminal(terminal.master, job.terminalSize);
    return terminal.slave;
  };
  if (job.rootfs !== undefined && parts !== undefined) {
    enterRootfs({ ...job.rootfs, openTerminal: openOwnTerminal }, parts);
  } else if (job.stdio === undefined) {
    openOwnTerminal(openInRoot(linux.AT_FDCWD, '/', linux.O_PATH | linux.O_DIRECTORY));
  }
  if (terminal !== undefined) {
    tell({ kind: 'terminal', fd: terminal.master });
    awaitByte(job.go);
    useTerminal(terminal.slave, user.uid, user.gid);
  }
  tell({ kind: 'ready' });
  awaitByte(job.go);
  // Only now the cgroups of this process are the container's.
  if (job.rootfs !== undefined) libc.unshare(linux.CLONE_NEWCGROUP);
  runProgram(job.process, {
    grantable: job.grantable,
    tellExec: () => tell({ kind: 'exec' }),
  });
}

/**
 * Makes namespaces that belong to the user namespace. A PID namespace is for children only, so another
 * one goes on there, as a child of the same parent.
 */
function enterUserNamespace(
  { fd, flags }: UserNamespaceEntry,
  go: number,
  tell: (line: ChildLine) => void,
): void {
  const hasOwnPids = (flags & linux.CLONE_NEWPID) !== 0;
  const memory = hasOwnPids ? new MemoryForClone() : undefined;
  libc.setns(fd, linux.CLONE_NEWUSER);
  if (memory === undefined) libc.unshare(flags);
  else {
    const pid = cloneSibling(memory, flags);
    if (pid !== 0) {
      tell({ kind: 'sibling', pid });
      libc.exitNow(0);
    }
    awaitByte(go);
  }
  becomeRootOfNamespace();
}

/** The parent is gone when there is none: then nobody knows of this process, and it must not run. */
function awaitByte(fd: number): void {
  if (libc.read(fd, Buffer.alloc(1)) === 0) libc.exitNow(FAILED_STATUS);
}
