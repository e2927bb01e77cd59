/** Shares the machine's real capacity out among the nodes of a lab. Pure. */

import type { NodeSpec } from './lab-spec.ts';

export interface MachineCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Pods get this part of the memory; the rest is the system's and the control plane's. */
const MEMORY_SHARE = 0.9;
const MIB = 1024 ** 2;

/** Equal shares, rounded down: their sum is never more than the machine has. */
export function shareCapacity(machine: MachineCapacity, count: number): readonly NodeSpec[] {
  const cpuMilli = Math.floor((machine.cpus * 1000) / count);
  const memoryBytes = Math.floor((machine.memoryBytes * MEMORY_SHARE) / count / MIB) * MIB;
  return Array.from({ length: count }, (_, position) => ({
    name: `node-${position + 1}`,
    index: position + 1,
    cpuMilli,
    memoryBytes,
  }));
}
