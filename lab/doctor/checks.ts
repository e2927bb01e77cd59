/**
 * What Skiff needs of a machine: each check says whether it is there, what for, and how to get it.
 * Pure: facts about the machine come in (facts.ts gathers them), results go out.
 */

export interface MachineFacts {
  readonly platform: string;
  readonly isRoot: boolean;
  /** `6.18.44-...` */
  readonly kernelRelease: string;
  /** Bits of CapEff in /proc/self/status. */
  readonly effectiveCapabilities: bigint;
  readonly cgroupLayout: 'v1' | 'hybrid' | 'v2' | 'none';
  /** Controllers that are mounted (v1) or available (v2). */
  readonly cgroupControllers: readonly string[];
  readonly hasOverlay: boolean;
  /** The namespaces that /proc/self/ns shows. */
  readonly namespaces: readonly string[];
  readonly tools: Readonly<Record<string, boolean>>;
  readonly freeDiskBytes: number;
  readonly availableMemoryBytes: number;
  /** Absent when no lab of this name is up and the address is nobody's. */
  readonly freeSubnets: number;
}

export interface CheckResult {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'missing';
  readonly found: string;
  readonly purpose: string;
  /** What to do when it is not `ok`. */
  readonly remedy: string;
}

/** Tools that `up` runs, and the Debian package of each; `up` installs what is missing. */
export const REQUIRED_TOOLS: Readonly<Record<string, { package: string; purpose: string }>> = {
  ip: { package: 'iproute2', purpose: 'networks of nodes and pods' },
  nsenter: { package: 'util-linux', purpose: 'starting processes inside a node' },
  unshare: { package: 'util-linux', purpose: 'giving a node its host name' },
};

const GIB = 1024 ** 3;
const KERNEL_MIN = [5, 10] as const;
/** openat2 with RESOLVE_IN_ROOT came with 5.6, close_range's CLOEXEC with 5.11; 5.10 is Debian 11. */
const CAPABILITIES: readonly (readonly [name: string, bit: number, purpose: string])[] = [
  ['CAP_SYS_ADMIN', 21, 'namespaces and mounts'],
  ['CAP_NET_ADMIN', 12, 'interfaces, addresses and routes'],
  ['CAP_SYS_CHROOT', 18, 'the root of a container'],
  ['CAP_MKNOD', 27, 'the devices of a container'],
  ['CAP_SETUID', 7, 'the user of a container'],
  ['CAP_SETPCAP', 8, 'dropping capabilities'],
];
const NAMESPACES = ['pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup'];
const CONTROLLERS = ['cpu', 'memory', 'pids'];

/** All results, the fundamental ones first. */
export function checkMachine(facts: MachineFacts): readonly CheckResult[] {
  return [
    check('system', facts.platform === 'linux', facts.platform, {
      purpose: 'containers are Linux processes',
      remedy: 'run Skiff on Linux: on macOS or Windows, in a virtual machine',
    }),
    check('root', facts.isRoot, facts.isRoot ? 'yes' : 'no', {
      purpose: 'namespaces, mounts and cgroups',
      remedy: 'run it with sudo',
    }),
    kernelCheck(facts.kernelRelease),
    ...CAPABILITIES.map(([name, bit, purpose]) =>
      check(name, ((facts.effectiveCapabilities >> BigInt(bit)) & 1n) === 1n, 'effective', {
        purpose,
        remedy: 'run it as a root that has all capabilities (not inside a restricted container)',
      }),
    ),
    check(
      'namespaces',
      missing(NAMESPACES, facts.namespaces).length === 0,
      list(facts.namespaces),
      {
        purpose: 'what a container sees',
        remedy: `use a kernel with ${list(missing(NAMESPACES, facts.namespaces))} namespaces`,
      },
    ),
    check('overlayfs', facts.hasOverlay, facts.hasOverlay ? 'yes' : 'no', {
      purpose: 'the files of a container',
      remedy: 'modprobe overlay',
    }),
    cgroupCheck(facts),
    ...Object.entries(REQUIRED_TOOLS).map(([tool, { package: name, purpose }]) =>
      check(tool, facts.tools[tool] === true, name, { purpose, remedy: `apt-get install ${name}` }),
    ),
    optional('etcd', facts.tools.etcd === true, {
      purpose: '--store etcd',
      remedy: 'apt-get install etcd-server (up does it when asked for --store etcd)',
    }),
    optional('kubectl', facts.tools.kubectl === true, {
      purpose: 'the usual client; skiff has the same verbs',
      remedy: 'apt-get install kubernetes-client, or any newer kubectl',
    }),
    check('network 10.X.0.0/16', facts.freeSubnets > 0, `${facts.freeSubnets} free`, {
      purpose: 'addresses and ports of a lab: each has its own network, so ports never clash',
      remedy: 'stop labs with "skiff down --name NAME"',
    }),
    sized('memory', facts.availableMemoryBytes, GIB, 'about 0.5 GiB for a lab of three nodes'),
    sized('disk', facts.freeDiskBytes, GIB, 'the store, images and files of containers'),
  ];
}

function kernelCheck(release: string): CheckResult {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const [wantMajor, wantMinor] = KERNEL_MIN;
  const isNew = major > wantMajor || (major === wantMajor && minor >= wantMinor);
  return check('kernel', isNew, release, {
    purpose: 'openat2, pidfds and overlayfs of today',
    remedy: `use Linux ${KERNEL_MIN.join('.')} or newer`,
  });
}

function cgroupCheck(facts: MachineFacts): CheckResult {
  const absent = missing(CONTROLLERS, facts.cgroupControllers);
  return check(
    'cgroups',
    absent.length === 0,
    `${facts.cgroupLayout}: ${list(facts.cgroupControllers)}`,
    {
      purpose: 'limits of cpu, memory and processes',
      remedy: `enable ${list(absent)} (kernel command line: cgroup_enable=memory, systemd.unified_cgroup_hierarchy=1)`,
    },
  );
}

function check(
  name: string,
  isOk: boolean,
  found: string,
  texts: { readonly purpose: string; readonly remedy: string },
): CheckResult {
  return { name, status: isOk ? 'ok' : 'missing', found: isOk ? found : 'no', ...texts };
}

function optional(
  name: string,
  isOk: boolean,
  texts: { readonly purpose: string; readonly remedy: string },
): CheckResult {
  return { name, status: isOk ? 'ok' : 'warning', found: isOk ? 'yes' : 'no', ...texts };
}

function sized(name: string, bytes: number, wanted: number, purpose: string): CheckResult {
  const found = `${(bytes / GIB).toFixed(1)} GiB`;
  return { name, status: bytes >= wanted ? 'ok' : 'warning', found, purpose, remedy: 'free some' };
}

function missing(wanted: readonly string[], found: readonly string[]): readonly string[] {
  return wanted.filter((name) => !found.includes(name));
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(' ');
}
