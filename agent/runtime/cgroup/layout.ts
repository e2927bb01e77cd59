/** Where the cgroup hierarchies of a machine are mounted, and which controllers each has. Pure. */

export type CgroupLayout =
  | { readonly kind: 'v2'; readonly mount: string }
  | {
      readonly kind: 'v1';
      readonly hierarchies: readonly Hierarchy[];
      /** A cgroup2 mount beside them (hybrid): it kills, and tells the pressure. */
      readonly unified?: string;
      /** What it limits: the controllers that no hierarchy of v1 has taken. */
      readonly unifiedControllers?: readonly string[];
    };

export interface Hierarchy {
  /** `/sys/fs/cgroup/cpu,cpuacct` */
  readonly mount: string;
  /** `cpu`, `cpuacct`; empty for a named one. */
  readonly controllers: readonly string[];
}

const CONTROLLERS = [
  'blkio',
  'cpu',
  'cpuacct',
  'cpuset',
  'devices',
  'freezer',
  'hugetlb',
  'memory',
  'net_cls',
  'net_prio',
  'perf_event',
  'pids',
  'rdma',
] as const;

/**
 * Reads the text of /proc/self/mountinfo; undefined when no cgroups are mounted.
 * Source: proc_pid_mountinfo(5).
 */
export function parseCgroupLayout(mountinfo: string): CgroupLayout | undefined {
  const hierarchies = new Map<string, Hierarchy>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mount = before.split(' ')[4] ?? '';
    const [type = '', , options = ''] = after.split(' ');
    if (type === 'cgroup2') unified ??= mount;
    if (type !== 'cgroup') continue;
    const names = options.split(',');
    const controllers = CONTROLLERS.filter((name) => names.includes(name));
    const key = names.filter((name) => name !== 'rw' && name !== 'ro').join(',');
    if (!hierarchies.has(key)) hierarchies.set(key, { mount, controllers });
  }
  if (hierarchies.size === 0) {
    return unified === undefined ? undefined : { kind: 'v2', mount: unified };
  }
  const all = { kind: 'v1', hierarchies: [...hierarchies.values()] } as const;
  return unified === undefined ? all : { ...all, unified };
}

/** The folder of a cgroup in each hierarchy. */
export function cgroupFolders(layout: CgroupLayout, path: string): readonly string[] {
  if (layout.kind === 'v2') return [`${layout.mount}${path}`];
  const mounts = layout.hierarchies.map(({ mount }) => mount);
  return [...mounts, ...(layout.unified === undefined ? [] : [layout.unified])].map(
    (mount) => `${mount}${path}`,
  );
}

/** The folder that has this controller's files; undefined when the machine does not have it. */
export function controllerFolder(
  layout: CgroupLayout,
  path: string,
  controller: (typeof CONTROLLERS)[number],
): string | undefined {
  if (layout.kind === 'v2') return `${layout.mount}${path}`;
  const hierarchy = layout.hierarchies.find(({ controllers }) => controllers.includes(controller));
  return hierarchy === undefined ? undefined : `${hierarchy.mount}${path}`;
}
