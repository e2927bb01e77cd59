/**
 * The profile of the type RuntimeDefault: a list of what ordinary programs call. What needs a privilege
 * is allowed to those who have the capability for it; all else is refused with EPERM.
 *
 * Source: which calls, after moby/profiles seccomp/default.json of July 2026 (containerd's default is
 * the same list). Otherwise here: an address family is compared by the 32 bits that the kernel reads,
 * so that one with a bit set above them does not pass for another.
 */

import { errnoReturn, SECCOMP_RETURN, type SeccompProfile, type SeccompRule } from './profile.ts';

const ALWAYS = `
  accept accept4 access adjtimex alarm arch_prctl modify_ldt bind brk cachestat capget capset chdir chmod chown
  clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect
  copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat
  fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
  fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
  futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid
  getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
  getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
  getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set
  kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link
  linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat
  madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
  mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
  mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall
  munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open
  pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64
  preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 ptrace
  pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg
  remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir
  rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
  semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list
  set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid
  setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr
  setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice
  stat statfs statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill
  time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
  timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe
  utime utimensat utimes vfork vmsplice wait4 waitid write writev
`;

/** Also allowed to who has the capability. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open
    quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday clock_settime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** Address families that reach past the network namespace: the kernel's ciphers, the hypervisor. */
const AF_ALG = 38n;
const AF_VSOCK = 40n;

/** CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. */
const NAMESPACE_FLAGS = 0x7e02_0000n;

/** PER_LINUX, UNAME26, both with and without PER_LINUX32, and the question what it is. */
const PERSONALITIES = [0n, 8n, 0x2_0000n, 0x2_0008n, 0xffff_ffffn];

const EPERM = 1;
const ENOSYS = 38;
const LOW_32 = 0xffff_ffffn;

/** `capabilities`: those the container may have, as `CAP_…`. */
export function runtimeDefaultProfile(capabilities: readonly string[]): SeccompProfile {
  const isAdmin = capabilities.includes('CAP_SYS_ADMIN');
  const byCapability = capabilities.map((name) => allow(words(BY_CAPABILITY[name] ?? '')));
  return {
    defaultReturn: errnoReturn(EPERM),
    flags: 0,
    rules: [
      allow(words(ALWAYS)),
      ...socketRules(),
      ...PERSONALITIES.map((value) =>
        allow(['personality'], { index: 0, operator: 'EQ', value, valueTwo: 0n }),
      ),
      ...byCapability,
      ...(isAdmin ? [] : cloneRules()),
    ],
  };
}

function socketRules(): readonly SeccompRule[] {
  const refused = [AF_ALG, AF_VSOCK].map(
    (family): SeccompRule => ({
      names: ['socket'],
      returns: errnoReturn(EPERM),
      conditions: [{ index: 0, operator: 'MASKED_EQ', value: LOW_32, valueTwo: family }],
    }),
  );
  return [...refused, allow(['socket'], { index: 0, operator: 'GE', value: 0n, valueTwo: 0n })];
}

/** A filter cannot look into the memory that clone3 takes its flags from: libc then uses clone. */
function cloneRules(): readonly SeccompRule[] {
  return [
    allow(['clone'], { index: 0, operator: 'MASKED_EQ', value: NAMESPACE_FLAGS, valueTwo: 0n }),
    { names: ['clone3'], returns: errnoReturn(ENOSYS), conditions: [] },
  ];
}

function allow(names: readonly string[], ...conditions: SeccompRule['conditions']): SeccompRule {
  return { names, returns: SECCOMP_RETURN.allow, conditions };
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
