/**
 * Numbers of the system calls that libc has no function for, or whose function would do more than the
 * call. Source: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux
 * 6.12 (arm64 uses the generic table). From 424 on the numbers are the same everywhere.
 */

export interface SyscallNumbers {
  readonly capset: number;
  readonly prctl: number;
  readonly pivotRoot: number;
  readonly prlimit64: number;
  readonly setgroups: number;
  readonly setresgid: number;
  readonly setresuid: number;
  readonly bpf: number;
  readonly seccomp: number;
}

const TABLES: Readonly<Record<string, SyscallNumbers>> = {
  x64: {
    capset: 126,
    prctl: 157,
    pivotRoot: 155,
    prlimit64: 302,
    setgroups: 116,
    setresgid: 119,
    setresuid: 117,
    bpf: 321,
    seccomp: 317,
  },
  arm64: {
    capset: 91,
    prctl: 167,
    pivotRoot: 41,
    prlimit64: 261,
    setgroups: 159,
    setresgid: 149,
    setresuid: 147,
    bpf: 280,
    seccomp: 277,
  },
};

/** The same on every architecture. */
export const SYSCALL = {
  pidfdSendSignal: 424,
  openTree: 428,
  moveMount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  pidfdOpen: 434,
  clone3: 435,
  closeRange: 436,
  openat2: 437,
  pidfdGetfd: 438,
  mountSetattr: 442,
} as const;

/** Of this machine; throws on an architecture that is not in the table. */
export function syscallNumbers(arch: string): SyscallNumbers {
  const numbers = TABLES[arch];
  if (numbers === undefined) throw new Error(`Containers are not implemented on ${arch}`);
  return numbers;
}
