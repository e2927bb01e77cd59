/**
 * A cgroup v2 hierarchy as files in a folder, for machines that have none: the names and the contents
 * that a new cgroup has, and the little of the kernel's doing that the tests need.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst of Linux 6.12 (files, formats and defaults).
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CgroupLayout } from '../../agent/runtime/cgroup/layout.ts';

const CONTROLLERS = 'cpuset cpu io memory hugetlb pids rdma misc\n';
const PRESSURE =
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';

/** The root has no limits. */
const ROOT: Readonly<Record<string, string>> = {
  'cgroup.controllers': CONTROLLERS,
  'cgroup.subtree_control': 'cpu memory pids\n',
  'cgroup.procs': '1\n',
};

const CHILD: Readonly<Record<string, string>> = {
  'cgroup.controllers': CONTROLLERS,
  'cgroup.subtree_control': '',
  'cgroup.events': 'populated 0\nfrozen 0\n',
  'cgroup.kill': '',
  'cgroup.procs': '',
  'cgroup.type': 'domain\n',
  'cpu.weight': '100\n',
  'cpu.max': 'max 100000\n',
  'cpu.stat': 'usage_usec 0\nuser_usec 0\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\n',
  'cpu.pressure': PRESSURE,
  'cpuset.cpus': '\n',
  'cpuset.mems': '\n',
  'hugetlb.2MB.max': 'max\n',
  'hugetlb.2MB.rsvd.max': 'max\n',
  'io.pressure': PRESSURE,
  'memory.current': '0\n',
  'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
  'memory.high': 'max\n',
  'memory.low': '0\n',
  'memory.max': 'max\n',
  'memory.min': '0\n',
  'memory.oom.group': '0\n',
  'memory.pressure': PRESSURE,
  'memory.stat': 'anon 0\nfile 0\ninactive_file 0\nactive_file 0\npgfault 0\npgmajfault 0\n',
  'memory.swap.current': '0\n',
  'memory.swap.max': 'max\n',
  'pids.current': '0\n',
  'pids.max': 'max\n',
};

export class RecordedCgroup2 {
  readonly layout: CgroupLayout;
  readonly #mount: string;

  constructor(folder: string) {
    this.#mount = folder;
    this.layout = { kind: 'v2', mount: folder };
    this.#fill('', ROOT);
  }

  /** What the kernel does at mkdir; `without`: files of controllers that its parent does not give. */
  make(cgroup: string, without: readonly string[] = []): void {
    mkdirSync(path.join(this.#mount, cgroup), { recursive: true });
    const files = Object.entries(CHILD).filter(([name]) => !without.includes(name));
    this.#fill(cgroup, Object.fromEntries(files));
  }

  read(file: string): string {
    return readFileSync(path.join(this.#mount, file), 'utf8').trim();
  }

  /** What the kernel counts. */
  write(file: string, text: string): void {
    writeFileSync(path.join(this.#mount, file), text);
  }

  #fill(cgroup: string, files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) this.write(path.join(cgroup, name), text);
  }
}
