/** Gathers what `skiff doctor` judges, by reading /proc, /sys and PATH. Changes nothing. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { routedSubnets } from '../cluster/subnet.ts';
import { type MachineFacts, REQUIRED_TOOLS } from './checks.ts';

/** The magic number of cgroup2 in statfs(2). Source: linux/magic.h. */
const CGROUP2_SUPER_MAGIC = 0x63677270;
const SUBNETS = 126;

/** Takes a few milliseconds. */
export function gatherFacts(env: NodeJS.ProcessEnv): MachineFacts {
  const status = readText('/proc/self/status');
  const search = `${env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`.split(':');
  const hasTool = (tool: string): boolean =>
    search.some((folder) => folder !== '' && existsSync(path.join(folder, tool)));
  const tools = [...Object.keys(REQUIRED_TOOLS), 'etcd', 'kubectl'];
  const disk = existsSync('/var/lib') ? statfsSync('/var/lib') : undefined;
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    kernelRelease: os.release(),
    effectiveCapabilities: BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? '0'}`),
    ...cgroupFacts(),
    hasOverlay: /\boverlay$/m.test(readText('/proc/filesystems')),
    namespaces: existsSync('/proc/self/ns') ? readdirSync('/proc/self/ns') : [],
    tools: Object.fromEntries(tools.map((tool) => [tool, hasTool(tool)])),
    freeDiskBytes: disk === undefined ? 0 : disk.bavail * disk.bsize,
    availableMemoryBytes:
      Number(/^MemAvailable:\s+(\d+)/m.exec(readText('/proc/meminfo'))?.[1]) * 1024,
    freeSubnets: SUBNETS - usedSubnets().size,
  };
}

/** The second bytes of the 10.X networks that the host routes already. */
export function usedSubnets(): ReadonlySet<number> {
  const result = spawnSync('ip', ['-4', 'route', 'show', 'table', 'all'], { encoding: 'utf8' });
  return result.status === 0 ? routedSubnets(result.stdout) : new Set();
}

function cgroupFacts(): Pick<MachineFacts, 'cgroupLayout' | 'cgroupControllers'> {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return { cgroupLayout: 'none', cgroupControllers: [] };
  if (statfsSync(root).type === CGROUP2_SUPER_MAGIC) {
    const controllers = readText(`${root}/cgroup.controllers`).trim().split(' ');
    return { cgroupLayout: 'v2', cgroupControllers: controllers };
  }
  const mounts = readText('/proc/self/mountinfo').split('\n');
  const controllers = mounts
    .filter((line) => line.includes(' - cgroup '))
    .flatMap((line) => line.split(' ').at(-1)?.split(',') ?? [])
    .filter((option) => !['rw', 'ro'].includes(option));
  const isHybrid = mounts.some((line) => line.includes(' - cgroup2 '));
  return { cgroupLayout: isHybrid ? 'hybrid' : 'v1', cgroupControllers: controllers };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Another system, or a kernel without it.
  }
}
