/**
 * What makes a process special, read from the kernel: its namespaces, credentials, cgroups and mounts.
 * The parsers are pure; {@link readProcess} is the only one that reads.
 *
 * Source: proc_pid_status(5), proc_pid_mountinfo(5), proc_pid_cgroup(5), namespaces(7).
 */

import { readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { ALL_CAPABILITIES } from '../../agent/runtime/container/capabilities.ts';

export const NAMESPACES = ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time'] as const;
export type NamespaceName = (typeof NAMESPACES)[number];

/** Inode numbers, by which two processes of one namespace know each other. */
export type Namespaces = Readonly<Record<NamespaceName, number>>;

export interface ProcessFacts {
  readonly pid: number;
  readonly command: string;
  readonly status: ProcessStatus;
  readonly namespaces: Namespaces;
  /** Lines of uid_map: first id inside, first id outside, how many. */
  readonly uidMap: readonly (readonly [inside: number, outside: number, count: number])[];
  /** Paths of cgroups by controllers; the unified hierarchy has none. */
  readonly cgroups: readonly { readonly controllers: string; readonly path: string }[];
  readonly mounts: readonly MountFacts[];
}

export interface ProcessStatus {
  /** Its numbers in the PID namespaces it is in, the host's first, its own last. */
  readonly pids: readonly number[];
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: Readonly<Record<CapabilitySet, readonly string[]>>;
  readonly noNewPrivileges: boolean;
  readonly seccomp: 'disabled' | 'strict' | 'filter';
  /** How many filters, where the kernel tells. */
  readonly seccompFilters: number;
}

export type CapabilitySet = 'effective' | 'permitted' | 'bounding' | 'inheritable' | 'ambient';

export interface MountFacts {
  readonly target: string;
  readonly type: string;
  /** The part of the file system that is seen. */
  readonly root: string;
  readonly source: string;
  readonly isReadonly: boolean;
  readonly options: readonly string[];
}

const CAPABILITY_LINES: Readonly<Record<CapabilitySet, string>> = {
  effective: 'CapEff',
  permitted: 'CapPrm',
  bounding: 'CapBnd',
  inheritable: 'CapInh',
  ambient: 'CapAmb',
};
const SECCOMP_MODES = ['disabled', 'strict', 'filter'] as const;

/** Throws when there is no such process, or it belongs to somebody else. */
export function readProcess(pid: number, proc = '/proc'): ProcessFacts {
  const folder = path.join(proc, String(pid));
  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
  return {
    pid,
    command: read('cmdline').split('\0').join(' ').trim(),
    status: parseStatus(read('status')),
    namespaces: readNamespaces(folder),
    uidMap: parseIdMap(read('uid_map')),
    cgroups: parseCgroups(read('cgroup')),
    mounts: parseMountinfo(read('mountinfo')),
  };
}

/** Of the process with this folder in /proc. */
export function readNamespaces(folder: string): Namespaces {
  const inode = (name: NamespaceName): number =>
    Number(/\[(\d+)\]/.exec(readlinkSync(path.join(folder, 'ns', name)))?.[1]);
  return {
    mnt: inode('mnt'),
    pid: inode('pid'),
    net: inode('net'),
    ipc: inode('ipc'),
    uts: inode('uts'),
    cgroup: inode('cgroup'),
    user: inode('user'),
    time: inode('time'),
  };
}

export function parseStatus(text: string): ProcessStatus {
  const fields = new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const numbers = (name: string): number[] =>
    (fields.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number);
  const set = (name: CapabilitySet): readonly string[] =>
    capabilityNames(fields.get(CAPABILITY_LINES[name]) ?? '0');
  return {
    pids: numbers('NSpid'),
    // Real, effective, saved, file system: the second is what counts.
    uid: numbers('Uid')[1] ?? 0,
    gid: numbers('Gid')[1] ?? 0,
    groups: numbers('Groups'),
    capabilities: {
      effective: set('effective'),
      permitted: set('permitted'),
      bounding: set('bounding'),
      inheritable: set('inheritable'),
      ambient: set('ambient'),
    },
    noNewPrivileges: fields.get('NoNewPrivs') === '1',
    seccomp: SECCOMP_MODES[Number(fields.get('Seccomp') ?? 0)] ?? 'disabled',
    seccompFilters: Number(fields.get('Seccomp_filters') ?? 0),
  };
}

/** Of a set in hexadecimal, without `CAP_`. */
function capabilityNames(hexadecimal: string): readonly string[] {
  const bits = BigInt(`0x${hexadecimal}`);
  return ALL_CAPABILITIES.filter((_, index) => ((bits >> BigInt(index)) & 1n) === 1n).map((name) =>
    name.replace('CAP_', ''),
  );
}

export function parseIdMap(text: string): ProcessFacts['uidMap'] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return [inside, outside, count];
    });
}

export function parseCgroups(text: string): ProcessFacts['cgroups'] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, controllers = '', ...rest] = line.split(':');
      return { controllers, path: rest.join(':') };
    });
}

export function parseMountinfo(text: string): readonly MountFacts[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '', target = '', own = ''] = before.split(' ');
      const [type = '', source = '', superblock = ''] = after.split(' ');
      return {
        target: unescaped(target),
        root: unescaped(root),
        type,
        source: unescaped(source),
        isReadonly: own.split(',').includes('ro'),
        options: unescaped(superblock).split(','),
      };
    });
}

/** Blanks and the like stand as `\040`. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
