/**
 * What a lab may leave behind, and a search for it. `skiff down` shows what it looked for and fails
 * when anything is found; tests assert the same.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { allPids, commandOf, processesWithEnv } from '../proc.ts';
import { controlNetns, hostInterface, labCgroup, runDirOf } from './lab-spec.ts';

export interface Finding {
  /** `processes`, `mounts`, … */
  readonly what: string;
  /** What was found, one text each; empty: nothing is left. */
  readonly left: readonly string[];
}

export interface LeftoverScope {
  readonly name: string;
  readonly dataDir: string;
}

/** Looks for everything that a lab of this name makes; each kind is named also when none is left. */
export function findLeftovers(scope: LeftoverScope): readonly Finding[] {
  const runDir = runDirOf(scope.name);
  return [
    { what: 'processes', left: labProcesses(scope.name).map(describeProcess) },
    { what: 'mounts', left: mountsBelow([runDir, scope.dataDir]) },
    { what: 'network namespaces', left: networkNamespaces(scope.name) },
    { what: 'veths', left: interfaces(scope.name, 'veth') },
    { what: 'bridges', left: interfaces(scope.name, 'bridge') },
    { what: 'cgroups', left: labCgroups(scope.name) },
    { what: 'nftables tables', left: nftablesTables(scope.name) },
    { what: 'sockets', left: unixSockets(runDir) },
  ];
}

/** Process ids of everything that belongs to a lab: components, spawners and containers. */
export function labProcesses(name: string): readonly number[] {
  const cgroup = new RegExp(`^\\d+:[^:]*:(?:/.*)?${labCgroup(name)}(?:/|$)`, 'm');
  const contained = allPids().filter((pid) => cgroup.test(readText(`/proc/${pid}/cgroup`)));
  const own = processesWithEnv(`SKIFF_LAB=${name}`);
  return [...new Set([...contained, ...own])].filter((pid) => pid !== process.pid);
}

/** The cgroup directories of a lab in every hierarchy, deepest first. */
export function labCgroups(name: string): readonly string[] {
  const roots = [
    ...globSync(`/sys/fs/cgroup/*${labCgroup(name)}`),
    `/sys/fs/cgroup${labCgroup(name)}`,
  ];
  return roots
    .filter((root) => existsSync(root))
    .flatMap((root) => [root, ...subdirectories(root)])
    .sort((a, b) => b.length - a.length);
}

export function mountsBelow(folders: readonly string[]): readonly string[] {
  return readText('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) =>
      folders.some((folder) => point === folder || point.startsWith(`${folder}/`)),
    );
}

function networkNamespaces(name: string): readonly string[] {
  const own = controlNetns({ name });
  return listFolder('/run/netns').filter(
    (entry) => entry === own || new RegExp(`^${own}-node-\\d+$`).test(entry),
  );
}

/** On the host; what is inside the lab's namespaces is gone with them. */
function interfaces(name: string, kind: 'veth' | 'bridge'): readonly string[] {
  const own = hostInterface(name);
  if (!existsSync(`/sys/class/net/${own}`)) return [];
  const isBridge = existsSync(`/sys/class/net/${own}/bridge`);
  return isBridge === (kind === 'bridge') ? [own] : [];
}

function nftablesTables(name: string): readonly string[] {
  const result = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  if (result.status !== 0) return []; // Without nft nobody can have made a table.
  return result.stdout.split('\n').filter((line) => line.endsWith(` ${controlNetns({ name })}`));
}

function unixSockets(runDir: string): readonly string[] {
  return readText('/proc/net/unix')
    .split('\n')
    .map((line) => line.split(' ').at(-1) ?? '')
    .filter((file) => file.startsWith(`${runDir}/`));
}

function subdirectories(folder: string): readonly string[] {
  return listFolder(folder)
    .map((entry) => `${folder}/${entry}`)
    .filter((entry) => existsSync(`${entry}/cgroup.procs`))
    .flatMap((entry) => [entry, ...subdirectories(entry)]);
}

function describeProcess(pid: number): string {
  return `${pid} ${commandOf(pid).slice(0, 100)}`;
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // It is not there.
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It is not there, or the process has ended.
  }
}
