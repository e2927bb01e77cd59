/**
 * The system calls the runtime makes, as functions: numbers and strings in, a number out, a
 * {@link SyscallError} when it fails. Synchronous, on the calling thread, interruptible by nothing.
 *
 * Credentials are set by raw calls: libc's own would try to signal the other threads of the process,
 * which in a cloned child do not exist. Source: section 2 of the Linux manual pages, 6.7.
 */

import koffi from 'koffi';
import { SyscallError } from './syscall-error.ts';
import { SYSCALL, syscallNumbers } from './syscall-numbers.ts';

const libc = koffi.load(null);
const numbers = syscallNumbers(process.arch);
/** Every argument of `syscall` is a long or a pointer on both architectures. */
const int = 'int64';

const ints = libc.func('syscall', int, [int, int, int, int, int, int]);
const intsPointer = libc.func('syscall', int, [int, int, int, 'void *', int]);
const intPointer = libc.func('syscall', int, [int, int, 'void *', int]);
const pointerInt = libc.func('syscall', int, [int, 'void *', int]);
const twoPointers = libc.func('syscall', int, [int, 'void *', 'void *']);
const stringInt = libc.func('syscall', int, [int, 'str', int]);
const twoStrings = libc.func('syscall', int, [int, 'str', 'str']);
const intString = libc.func('syscall', int, [int, int, 'str', int]);
const intsStrings = libc.func('syscall', int, [int, int, int, 'str', 'str', int]);
const intStringPointer = libc.func('syscall', int, [int, int, 'str', 'void *', int]);
const intStringIntPointer = libc.func('syscall', int, [int, int, 'str', int, 'void *', int]);
const moveMountCall = libc.func('syscall', int, [int, int, 'str', int, 'str', int]);
const mountCall = libc.func('int mount(str source, str target, str type, ulong flags, str data)');
const umountCall = libc.func('int umount2(str target, int flags)');
const mkdiratCall = libc.func('int mkdirat(int dirfd, str path, uint mode)');
const mknodatCall = libc.func('int mknodat(int dirfd, str path, uint mode, ulong device)');
const symlinkatCall = libc.func('int symlinkat(str target, int dirfd, str path)');
const statxCall = libc.func('int statx(int fd, str path, int flags, uint mask, void *facts)');
const fstatfsCall = libc.func('int fstatfs(int fd, void *facts)');
const readlinkatCall = libc.func(
  'int64 readlinkat(int dirfd, str path, void *buffer, uint64 size)',
);
const fchownCall = libc.func('int fchown(int fd, uint uid, uint gid)');
const readCall = libc.func('int64 read(int fd, void *buffer, uint64 count)');
const writeCall = libc.func('int64 write(int fd, void *buffer, uint64 count)');
const closeCall = libc.func('int close(int fd)');
const dup2Call = libc.func('int dup2(int from, int to)');
const pipe2Call = libc.func('int pipe2(void *fds, int flags)');
const ioctlCall = libc.func('int ioctl(int fd, ulong request, void *argument)');
const ioctlIntCall = libc.func('int ioctl(int fd, ulong request, ulong argument)');
const flockCall = libc.func('int flock(int fd, int operation)');
const setnsCall = libc.func('int setns(int fd, int flags)');
const unshareCall = libc.func('int unshare(int flags)');
const sethostnameCall = libc.func('int sethostname(str name, uint64 length)');
const chdirCall = libc.func('int chdir(str path)');
const fchdirCall = libc.func('int fchdir(int fd)');
const getcwdCall = libc.func('int64 getcwd(void *buffer, uint64 size)');
const umaskCall = libc.func('uint umask(uint mask)');
const setsidCall = libc.func('int setsid()');
const signalCall = libc.func('int64 signal(int signal, int64 handler)');
const sigprocmaskCall = libc.func('int sigprocmask(int how, void *set, void *old)');
const socketCall = libc.func('int socket(int domain, int type, int protocol)');
const connectCall = libc.func('int connect(int fd, void *address, uint length)');
const wait4Call = libc.func('int wait4(int pid, void *status, int options, void *usage)');
const killCall = libc.func('int kill(int pid, int signal)');
const execveCall = libc.func('int execve(str path, const char **argv, const char **envp)');
const exitCall = libc.func('void _exit(int status)');

const PATH_BYTES_MAX = 4096;
const STATX_BYTES = 256;
const STATX_TYPE_AND_MODE = 3;
const STATFS_BYTES = 120;
const AT_EMPTY_PATH = 0x1000;
const ENOENT = 2;
const ENOSYS = 38;

function check(result: number, call: string, subject?: string | number): number {
  if (result !== -1) return result;
  throw new SyscallError(
    subject === undefined ? call : `${call} ${JSON.stringify(subject)}`,
    koffi.errno(),
  );
}

export const mount = (
  source: string,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): number => check(mountCall(source, target, type, flags, data), 'mount', target);

export const umount = (target: string, flags: number): number =>
  check(umountCall(target, flags), 'unmount', target);

/** Returns an fd of a configuration context of a file system type. */
export const fsopen = (type: string, flags: number): number =>
  check(stringInt(SYSCALL.fsopen, type, flags), 'fsopen', type);

export const fsconfig = (
  fd: number,
  command: number,
  key: string | null,
  value: string | null,
): number =>
  check(intsStrings(SYSCALL.fsconfig, fd, command, key, value, 0), 'configure mount', key ?? fd);

/** As {@link fsconfig}, for what is given as an fd. */
export const fsconfigFd = (fd: number, command: number, key: string, value: number): number =>
  check(intsStrings(SYSCALL.fsconfig, fd, command, key, null, value), 'configure mount', key);

export const fsmount = (fd: number, flags: number, attributes: number): number =>
  check(ints(SYSCALL.fsmount, fd, flags, attributes, 0, 0), 'fsmount');

export const openTree = (dirfd: number, path: string, flags: number): number =>
  check(intString(SYSCALL.openTree, dirfd, path, flags), 'open', path);

/** Attaches a detached mount, given by its fd, on what another fd stands for. */
export const moveMount = (from: number, to: number, flags: number): number =>
  check(moveMountCall(SYSCALL.moveMount, from, '', to, '', flags), 'attach mount');

/** `attributes`: struct mount_attr, four 64-bit integers. */
export const mountSetattr = (fd: number, flags: number, attributes: Buffer): number =>
  check(
    intStringIntPointer(SYSCALL.mountSetattr, fd, '', flags, attributes, attributes.length),
    'change mount',
  );

/**
 * `how`: struct open_how, three 64-bit integers. Returns the negative error number when it fails: what
 * is not there is a usual answer, and an exception costs more than the call.
 */
export function tryOpenat2(dirfd: number, path: string, how: Buffer): number {
  const fd = intStringPointer(SYSCALL.openat2, dirfd, path, how, how.length);
  return fd === -1 ? -koffi.errno() : fd;
}

/** What a file is, by its fd, also one of O_PATH. Source: statx(2). */
export function fileFacts(fd: number): {
  /** Type and permission bits. */
  readonly mode: number;
  /** Of a device. */
  readonly major: number;
  readonly minor: number;
} {
  const facts = Buffer.alloc(STATX_BYTES);
  check(statxCall(fd, '', AT_EMPTY_PATH, STATX_TYPE_AND_MODE, facts), 'statx');
  return {
    mode: facts.readUInt16LE(28),
    major: facts.readUInt32LE(128),
    minor: facts.readUInt32LE(132),
  };
}

/** The magic number of the file system that a file is on. Source: statfs(2). */
export function fileSystemType(fd: number): number {
  const facts = Buffer.alloc(STATFS_BYTES);
  check(fstatfsCall(fd, facts), 'fstatfs');
  return Number(facts.readBigUInt64LE(0));
}

export const mkdirat = (dirfd: number, path: string, mode: number): number =>
  check(mkdiratCall(dirfd, path, mode), 'create folder', path);

export const mknodat = (dirfd: number, path: string, mode: number, device: number): number =>
  check(mknodatCall(dirfd, path, mode, device), 'create', path);

export const symlinkat = (target: string, dirfd: number, path: string): number =>
  check(symlinkatCall(target, dirfd, path), 'link', path);

/** Where a link leads; `path` empty: the link that the fd is of. */
export function readlinkat(dirfd: number, path: string): string {
  const buffer = Buffer.alloc(PATH_BYTES_MAX);
  const length = check(
    Number(readlinkatCall(dirfd, path, buffer, buffer.length)),
    'read link',
    path,
  );
  return buffer.toString('utf8', 0, length);
}

export const fchown = (fd: number, uid: number, gid: number): number =>
  check(fchownCall(fd, uid, gid), 'fchown');

export const pivotRoot = (newRoot: string, putOld: string): number =>
  check(twoStrings(numbers.pivotRoot, newRoot, putOld), 'pivot_root');

export const read = (fd: number, buffer: Buffer): number =>
  check(readCall(fd, buffer, buffer.length), 'read');

export const write = (fd: number, buffer: Buffer): number =>
  check(writeCall(fd, buffer, buffer.length), 'write');

export const close = (fd: number): number => check(closeCall(fd), 'close');
export const dup2 = (from: number, to: number): number => check(dup2Call(from, to), 'dup2');
export const closeRange = (first: number, last: number, flags: number): number =>
  check(ints(SYSCALL.closeRange, first, last, flags, 0, 0), 'close_range');

/** Two fds: to read from, to write to. */
export function pipe2(flags: number): readonly [reader: number, writer: number] {
  const fds = Buffer.alloc(8);
  check(pipe2Call(fds, flags), 'pipe');
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

export const ioctl = (fd: number, request: number, argument: Buffer): number =>
  check(ioctlCall(fd, request, argument), 'ioctl', request);
export const ioctlInt = (fd: number, request: number, argument: number): number =>
  check(ioctlIntCall(fd, request, argument), 'ioctl', request);

/** Whether the lock was free, for LOCK_NB. */
export const flock = (fd: number, operation: number): boolean => flockCall(fd, operation) === 0;

export const setns = (fd: number, flags: number): number => check(setnsCall(fd, flags), 'setns');
export const unshare = (flags: number): number => check(unshareCall(flags), 'unshare');
export const sethostname = (name: string): number =>
  check(sethostnameCall(name, Buffer.byteLength(name)), 'sethostname', name);
export const chdir = (path: string): number => check(chdirCall(path), 'chdir to', path);
export const fchdir = (fd: number): number => check(fchdirCall(fd), 'fchdir');

/** `(unreachable)/…` when the working directory is outside of the root. */
export function getcwd(): string {
  const buffer = Buffer.alloc(4096);
  if (Number(getcwdCall(buffer, buffer.length)) === 0) throw new SyscallError('getcwd', ENOENT);
  return buffer.toString('utf8', 0, buffer.indexOf(0));
}

export const umask = (mask: number): number => umaskCall(mask);
export const setsid = (): number => check(setsidCall(), 'setsid');
export const setSignalDefault = (signal: number): number => signalCall(signal, 0);
/** `set`: 128 bytes, a bit a signal. */
export const setSignalMask = (set: Buffer): number => check(sigprocmaskCall(2, set, null), 'mask');
export const socket = (domain: number, type: number): number =>
  check(socketCall(domain, type, 0), 'socket');
/** `address`: struct sockaddr_…. Returns 0, or the negative error number: to be refused is usual. */
export const tryConnect = (fd: number, address: Buffer): number =>
  connectCall(fd, address, address.length) === -1 ? -koffi.errno() : 0;

export const setgroups = (groups: readonly number[]): number =>
  check(
    intPointer(numbers.setgroups, groups.length, Buffer.from(Uint32Array.from(groups).buffer), 0),
    'setgroups',
  );
export const setresgid = (gid: number): number =>
  check(ints(numbers.setresgid, gid, gid, gid, 0, 0), 'setgid', gid);
export const setresuid = (uid: number): number =>
  check(ints(numbers.setresuid, uid, uid, uid, 0, 0), 'setuid', uid);
/** `header`: struct __user_cap_header_struct; `data`: two struct __user_cap_data_struct. */
export const capset = (header: Buffer, data: Buffer): number =>
  check(twoPointers(numbers.capset, header, data), 'capset');
export const prctl = (option: number, a = 0, b = 0): number =>
  check(ints(numbers.prctl, option, a, b, 0, 0), 'prctl', option);
/** `argument`: struct sock_fprog for a filter. */
export const seccomp = (operation: number, flags: number, argument: Buffer): number =>
  check(intsPointer(numbers.seccomp, operation, flags, argument, 0), 'seccomp');
/** `attributes`: union bpf_attr. Returns an fd, or 0. */
export const bpf = (command: number, attributes: Buffer): number =>
  check(intPointer(numbers.bpf, command, attributes, attributes.length), 'bpf', command);
/** `limit`: struct rlimit64, two 64-bit integers. */
export const setrlimit = (resource: number, limit: Buffer): number =>
  check(intsPointer(numbers.prlimit64, 0, resource, limit, 0), 'setrlimit', resource);

/** `args`: struct clone_args. Returns 0 in the child. */
export const clone3 = (args: Buffer): number =>
  check(pointerInt(SYSCALL.clone3, args, args.length), 'clone');

export const pidfdOpen = (pid: number): number =>
  check(ints(SYSCALL.pidfdOpen, pid, 0, 0, 0, 0), 'pidfd_open', pid);
/** Takes a copy of another process' fd. */
export const pidfdGetfd = (pidfd: number, fd: number): number =>
  check(ints(SYSCALL.pidfdGetfd, pidfd, fd, 0, 0, 0), 'pidfd_getfd');
export const pidfdSendSignal = (pidfd: number, signal: number): number =>
  check(ints(SYSCALL.pidfdSendSignal, pidfd, signal, 0, 0, 0), 'pidfd_send_signal');
export const kill = (pid: number, signal: number): number => check(killCall(pid, signal), 'kill');

/** Of one child that has ended, without waiting; undefined when there is none. */
export function reapChild(): { readonly pid: number; readonly status: number } | undefined {
  const status = Buffer.alloc(4);
  const pid = wait4Call(-1, status, 1 /* WNOHANG */, null);
  return pid > 0 ? { pid, status: status.readInt32LE(0) } : undefined;
}

/** Returns the error number: it returns only when it fails. */
export function execve(path: string, argv: readonly string[], envp: readonly string[]): number {
  execveCall(path, [...argv, null], [...envp, null]);
  return koffi.errno();
}

/** Ends the process at once, without any handler. */
export function exitNow(status: number): never {
  exitCall(status);
  throw new SyscallError('_exit', ENOSYS);
}

/** For the walk over the memory map, which must allocate nothing: unchecked. */
export const rawMadvise = libc.func('int madvise(int64 address, uint64 length, int advice)');
export const rawReadTo = libc.func('int64 read(int fd, int64 address, uint64 count)');
export const rawLseek = libc.func('int64 lseek(int fd, int64 offset, int whence)');

/** Where a large buffer lies: it stays there as long as it is referred to. */
export const addressOf = (buffer: Buffer): number => Number(koffi.address(buffer));
