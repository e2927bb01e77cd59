/**
 * The last steps of a cloned child, the same for a container's first process and for one that is
 * executed later: identity, working directory, and execve. Runs inside the container's namespaces.
 */

import type { SeccompFilter } from '../seccomp/profile.ts';
import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { describeErrno, SyscallError } from '../syscalls/syscall-error.ts';
import { becomeUser } from './credentials.ts';
import { openInRoot } from './in-root.ts';
import { applyRlimit } from './rlimits.ts';
import type { ProcessSpec } from './spec.ts';

const DEFAULT_UMASK = 0o022;
/** Where programs are looked for when the environment has no PATH. Source: execvp(3). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface RunContext {
  /** The spawner's own capabilities. */
  readonly grantable: readonly number[];
  /** Tells the parent that only execve is left. */
  readonly tellExec: () => void;
}

/** Becomes the program; returns only by throwing. */
export function runProgram(spec: ProcessSpec, context: RunContext): never {
  resetSignals();
  for (const limit of spec.rlimits) applyRlimit(limit);
  const isChanged = tryChangeFolder(spec.cwd);
  const { seccomp, noNewPrivileges } = spec;
  // Without no_new_privs it takes CAP_SYS_ADMIN, which goes with the next step.
  if (seccomp !== undefined && !noNewPrivileges) confine(seccomp);
  becomeUser(spec, context.grantable);
  if (!isChanged) changeFolder(spec.cwd);
  if (!libc.getcwd().startsWith('/')) throw new Error(`"${spec.cwd}" is outside of the root`);
  libc.umask(spec.umask ?? DEFAULT_UMASK);
  libc.closeRange(3, linux.MAX_FD, linux.CLOSE_RANGE_CLOEXEC);
  context.tellExec();
  if (seccomp !== undefined && noNewPrivileges) confine(seccomp);
  return execute(spec);
}

/** oom_score_adj of this process; lowering it needs a privilege that some machines do not give. */
export function setOomScore(score: number): void {
  const file = openInRoot(linux.AT_FDCWD, '/proc/self/oom_score_adj', linux.O_WRONLY);
  try {
    libc.write(file, Buffer.from(String(score)));
  } catch (error) {
    const isDenied =
      error instanceof SyscallError && [linux.EACCES, linux.EPERM].includes(error.errno);
    if (!isDenied) throw error;
  } finally {
    libc.close(file);
  }
}

/** An ignored signal would stay ignored in the program: Node ignores SIGPIPE. */
function resetSignals(): void {
  for (let signal = 1; signal <= linux.SIGNALS; signal += 1) libc.setSignalDefault(signal);
  libc.setSignalMask(Buffer.alloc(128));
}

/** As root first: the folder may be in one that the user may not enter; else as the user. */
function tryChangeFolder(path: string): boolean {
  try {
    changeFolder(path);
    return true;
  } catch (error) {
    const isDenied = error instanceof SyscallError && error.errno === linux.EACCES;
    if (isDenied) return false;
    throw error;
  }
}

/** Not through a link of procfs, which could lead to what a process has open outside of the root. */
function changeFolder(path: string): void {
  const folder = openInRoot(linux.AT_FDCWD, path, linux.O_PATH | linux.O_DIRECTORY);
  libc.fchdir(folder);
  libc.close(folder);
}

/** Installs a seccomp filter: struct sock_fprog of a length and a pointer. Source: seccomp(2). */
function confine({ program, flags }: SeccompFilter): void {
  const code = Buffer.from(program, 'base64');
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(code.length / 8, 0);
  fprog.writeBigUInt64LE(BigInt(libc.addressOf(code)), 8);
  libc.seccomp(linux.SECCOMP_SET_MODE_FILTER, flags, fprog);
}

/** Looks the program up as execvp(3) does, inside the container. */
function execute(spec: ProcessSpec): never {
  const [name = ''] = spec.args;
  let errno: number = linux.ENOENT;
  for (const path of candidates(name, spec.env)) {
    const failure = libc.execve(path, spec.args, spec.env);
    // A file that may not be executed says more than one that is not there.
    if (failure !== linux.ENOENT && failure !== linux.ENOTDIR) errno = failure;
    if (![linux.ENOENT, linux.ENOTDIR, linux.EACCES].includes(failure)) break;
  }
  const [, reason] = describeErrno(errno);
  const isUnknown = errno === linux.ENOENT && !name.includes('/');
  throw new Error(
    `exec: ${JSON.stringify(name)}: ${isUnknown ? 'executable file not found in $PATH' : reason}`,
  );
}

function candidates(name: string, env: readonly string[]): readonly string[] {
  if (name.includes('/')) return [name];
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  return (path ?? DEFAULT_PATH).split(':').map((folder) => `${folder || '.'}/${name}`);
}
