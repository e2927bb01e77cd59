/** What the agent reads of the machine it is on. */

import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import type { NodeFacts, Pressure } from './node-object.ts';

type MachineFacts = Pick<
  NodeFacts,
  | 'machineId'
  | 'systemUuid'
  | 'bootId'
  | 'kernelVersion'
  | 'osImage'
  | 'architecture'
  | 'ephemeralStorageBytes'
>;

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export async function readMachineFacts(dataDir: string): Promise<MachineFacts> {
  const [machineId, systemUuid, bootId, release, disk] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    statfs(dataDir),
  ]);
  return {
    machineId,
    systemUuid: systemUuid === '' ? machineId : systemUuid,
    bootId,
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(release)?.[1] ?? 'Linux',
    architecture: GO_ARCHITECTURES[process.arch] ?? process.arch,
    ephemeralStorageBytes: disk.blocks * disk.bsize,
  };
}

export async function readPressure(dataDir: string): Promise<Pressure> {
  const [meminfo, disk, load, pidMax] = await Promise.all([
    text('/proc/meminfo'),
    statfs(dataDir),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
  ]);
  const availableKi = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? Infinity);
  return {
    memoryAvailableBytes: availableKi * 1024,
    diskAvailableBytes: disk.bavail * disk.bsize,
    diskTotalBytes: disk.blocks * disk.bsize,
    inodesFree: disk.ffree,
    inodesTotal: disk.files,
    // `0.1 0.2 0.3 RUNNING/ALL LAST`
    processes: Number(load.split(' ')[3]?.split('/')[1] ?? 0),
    processesMax: Number(pidMax) || Infinity,
  };
}

/** Empty when it can't be read: not every machine has every file. */
async function text(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}
