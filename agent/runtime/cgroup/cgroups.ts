/**
 * The cgroups of containers and pods on this machine: made, limited, joined, killed, removed. A cgroup
 * is named by its path below the mount of every hierarchy, as `/skiff/lab/node-1/kubepods/podX/ID`.
 */

import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { attachDeviceFilter } from './device-filter.ts';
import { DEFAULT_DEVICE_RULES, type DeviceRule, formatDeviceRule } from './device-rules.ts';
import { type CgroupLayout, cgroupFolders, controllerFolder } from './layout.ts';
import { LimitError } from './limit-error.ts';
import { type CgroupWrite, hybridFolder, limitWrites } from './limits-plan.ts';
import { machineLayout } from './machine-layout.ts';
import { resourceProblems } from './resource-problems.ts';
import type { CgroupResources } from './resources.ts';

/** Processes that were killed leave their cgroup within a few milliseconds. */
const REMOVE_TIMEOUT_MS = 5_000;
const POLL_MS = 2;
/** One pass kills what is there; a process that forks meanwhile is met by the next. */
const KILL_PASSES_MAX = 50;

export class Cgroups {
  readonly layout: CgroupLayout;
  readonly #clock: Clock;

  /** Throws when no cgroups are mounted. */
  constructor(clock: Clock, layout: CgroupLayout | undefined = machineLayout()) {
    if (layout === undefined) throw new Error('No cgroups are mounted on this machine');
    this.layout = layout;
    this.#clock = clock;
  }

  /** In words, what is wrong with these limits on this machine; empty when all is fine. */
  problems(resources: CgroupResources): readonly string[] {
    return resourceProblems(this.layout, resources);
  }

  /**
   * Makes the cgroup and those above it where they are missing, and sets its limits. Throws a
   * {@link LimitError}; the cgroup itself is gone again then.
   */
  create(cgroup: string, resources: CgroupResources): void {
    const names = cgroup.split('/').filter((name) => name !== '');
    const paths = names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
    const needsHybrid = (resources.hugepageLimits ?? []).length > 0;
    for (const [index, level] of paths.entries()) {
      const parent = paths[index - 1] ?? '';
      for (const folder of cgroupFolders(this.layout, level)) makeFolder(folder);
      if (this.layout.kind === 'v2') enableControllers(`${this.layout.mount}${parent}`);
      else this.#seedCpuset(level);
      const hybrid = needsHybrid ? hybridFolder(this.layout, parent, 'hugetlb') : undefined;
      if (hybrid !== undefined) tryWrite(`${hybrid}/cgroup.subtree_control`, '+hugetlb');
    }
    try {
      this.limit(cgroup, resources);
    } catch (error) {
      cgroupFolders(this.layout, cgroup).map(tryRemoveTree);
      throw error;
    }
  }

  /** Sets the limits that are given and leaves the others. Throws a {@link LimitError}: none is set. */
  limit(cgroup: string, resources: CgroupResources): void {
    const writes = limitWrites(this.layout, cgroup, resources).filter(
      ({ file, isOptional }) => isOptional !== true || existsSync(file),
    );
    const before = writes.map(({ file }) => ({ file, value: tryRead(file).trim() }));
    // v1 wants the memory limit below that of memory and swap at every moment, so the order depends
    // on which way they go; what is refused at first may be fine after the rest.
    const refused = writes.filter(({ file, value }) => !tryWrite(file, value));
    try {
      for (const write of refused) writeLimit(write);
    } catch (error) {
      const restored = before.filter(({ file, value }) => !tryWrite(file, value));
      for (const { file, value } of restored) tryWrite(file, value);
      throw error;
    }
  }

  /** Lets the container use these devices and no others; `undefined`: all. */
  limitDevices(cgroup: string, rules: readonly DeviceRule[] | undefined): void {
    if (rules === undefined) return;
    const all = [...DEFAULT_DEVICE_RULES, ...rules];
    const folder = controllerFolder(this.layout, cgroup, 'devices');
    if (this.layout.kind === 'v2' && folder !== undefined) attachDeviceFilter(folder, all);
    else if (folder !== undefined) {
      writeFileSync(`${folder}/devices.deny`, 'a');
      for (const rule of all) writeFileSync(`${folder}/devices.allow`, formatDeviceRule(rule));
    }
  }

  /** Moves a process into the cgroup; throws when it has ended or the cgroup is gone. */
  join(cgroup: string, pid: number): void {
    for (const folder of cgroupFolders(this.layout, cgroup)) {
      writeFileSync(`${folder}/cgroup.procs`, String(pid));
    }
  }

  /** Kills every process of the cgroup and below, and does not wait for their end. */
  killAll(cgroup: string): void {
    const [first = ''] = cgroupFolders(this.layout, cgroup);
    const { layout } = this;
    const mount = layout.kind === 'v2' ? layout.mount : layout.unified;
    if (mount !== undefined && tryWrite(`${mount}${cgroup}/cgroup.kill`, '1')) return;
    for (let pass = 0; pass < KILL_PASSES_MAX; pass += 1) {
      const alive = pidsOf(first).filter(isAlive);
      if (alive.length === 0) return;
      for (const pid of alive) tryKill(pid, 'SIGKILL');
    }
  }

  /** Every process of the cgroup and below, as this process numbers them. */
  pids(cgroup: string): readonly number[] {
    const [first = ''] = cgroupFolders(this.layout, cgroup);
    return pidsOf(first);
  }

  /** Kills what is in it and removes the cgroup with all below it; done already when it is gone. */
  async remove(cgroup: string): Promise<void> {
    this.killAll(cgroup);
    const deadline = this.#clock.monotonicMs() + REMOVE_TIMEOUT_MS;
    const folders = cgroupFolders(this.layout, cgroup);
    while (folders.map(tryRemoveTree).includes(false)) {
      if (this.#clock.monotonicMs() > deadline) throw new Error(`Cgroup ${cgroup} stays busy`);
      await this.#clock.after(POLL_MS);
      this.killAll(cgroup);
    }
  }

  /** A new cpuset of v1 is empty, and nobody can join it, until it has what its parent has. */
  #seedCpuset(cgroup: string): void {
    const folder = controllerFolder(this.layout, cgroup, 'cpuset');
    if (folder === undefined) return;
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      if (readFileSync(`${folder}/${name}`, 'utf8').trim() !== '') continue;
      writeFileSync(`${folder}/${name}`, readFileSync(`${path.dirname(folder)}/${name}`));
    }
  }
}

/** v2: what a cgroup's children may be limited in is switched on in the cgroup itself. */
function enableControllers(folder: string): void {
  const on = words(tryRead(`${folder}/cgroup.subtree_control`));
  const off = words(tryRead(`${folder}/cgroup.controllers`)).filter((name) => !on.includes(name));
  const file = `${folder}/cgroup.subtree_control`;
  if (off.length === 0 || tryWrite(file, off.map((name) => `+${name}`).join(' '))) return;
  // The kernel refuses all for one that cannot be shared out here; a limit that needs it then fails.
  for (const name of off) tryWrite(file, `+${name}`);
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function writeLimit(write: CgroupWrite): void {
  try {
    writeExisting(write.file, write.value);
  } catch (cause) {
    throw new LimitError(write, { cause });
  }
}

function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
}

/** A file that the kernel has not made is not there: none is made in its place. */
function writeExisting(file: string, value: string): void {
  const fd = openSync(file, constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

function tryWrite(file: string, value: string): boolean {
  try {
    writeExisting(file, value);
    return true;
  } catch {
    return false;
  }
}

function pidsOf(folder: string): readonly number[] {
  const own = tryRead(`${folder}/cgroup.procs`)
    .split('\n')
    .filter((line) => line !== '');
  return [...own.map(Number), ...subfolders(folder).flatMap(pidsOf)];
}

function subfolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}`);
  } catch {
    return []; // It is gone.
  }
}

/** Whether it is gone now. */
function tryRemoveTree(folder: string): boolean {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return true;
  for (const child of subfolders(folder)) tryRemoveTree(child);
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false; // Something in it is still on its way out.
  }
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It is gone.
  }
}

/** A zombie counts as dead: it is in its cgroup until its parent has seen it. */
function isAlive(pid: number): boolean {
  const stat = tryRead(`/proc/${pid}/stat`);
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
