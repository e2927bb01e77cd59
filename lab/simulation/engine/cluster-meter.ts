/**
 * How full the cluster is: what is allocated of each resource, and how fragmented its GPUs are. Kept up
 * to date by what comes and goes; fragmentation is worked out when it is asked for, of the nodes that
 * have changed since.
 */

import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import type { Fragmentation } from '../../../scheduler/gpu/fragmentation.ts';
import type { FreeGpus, GpuDevices } from '../../../scheduler/gpu/gpu-devices.ts';
import { gpuModelOf } from '../../../scheduler/gpu/gpu-request.ts';
import type { Scenario } from './scenario.ts';

export interface GpuFragmentation {
  /** Σ F / Σ idle, 0 to 1; 0 when nothing is idle. */
  readonly ofIdle: number;
  /** Σ F / all GPU, 0 to 1. */
  readonly ofTotal: number;
}

export class ClusterMeter {
  /** Of all nodes, down or not, in the order of the scenario's resources. */
  readonly capacity: readonly number[];
  readonly #allocated: number[];
  readonly #names: readonly string[];
  readonly #fragmentation: Fragmentation;
  readonly #devices: GpuDevices;
  readonly #dirty: Set<number>;
  readonly #lost: Float64Array;
  readonly #idle: Float64Array;
  #total = 0;

  constructor(scenario: Scenario, devices: GpuDevices, fragmentation: Fragmentation) {
    const { nodeKinds, nodeKind, nodeNames } = scenario.arrivals;
    this.#names = nodeNames;
    this.#devices = devices;
    this.#fragmentation = fragmentation;
    const capacity = scenario.resources.map(() => 0);
    for (const { count, capacity: own } of nodeKinds) {
      for (const [index, amount] of own.entries())
        capacity[index] = (capacity[index] ?? 0) + count * amount;
    }
    this.capacity = capacity;
    this.#allocated = capacity.map(() => 0);
    this.#dirty = new Set();
    for (const [index, kind] of nodeKind.entries()) {
      const gpus = nodeKinds[kind]?.gpus ?? 0;
      if (gpus > 0) this.#dirty.add(index);
      this.#total += gpus * 1000;
    }
    this.#lost = new Float64Array(nodeNames.length);
    this.#idle = new Float64Array(nodeNames.length);
  }

  get hasGpus(): boolean {
    return this.#total > 0;
  }

  add(requests: readonly number[], node: number): void {
    this.#change(requests, node, 1);
  }

  remove(requests: readonly number[], node: number): void {
    this.#change(requests, node, -1);
  }

  /** The node came or went. */
  touch(node: number): void {
    if (this.hasGpus) this.#dirty.add(node);
  }

  amount(resource: number): number {
    return this.#allocated[resource] ?? 0;
  }

  /** Part of the whole capacity, 0 to 1; 0 of a resource that there is none of. */
  part(resource: number): number {
    const whole = this.capacity[resource] ?? 0;
    return whole === 0 ? 0 : (this.#allocated[resource] ?? 0) / whole;
  }

  fragmentation(snapshot: Snapshot): GpuFragmentation {
    for (const index of this.#dirty)
      this.#measure(index, snapshot.byName.get(this.#names[index] ?? ''));
    this.#dirty.clear();
    const [lost, idle] = [sumOf(this.#lost), sumOf(this.#idle)];
    return { ofIdle: idle === 0 ? 0 : lost / idle, ofTotal: lost / this.#total };
  }

  #change(requests: readonly number[], node: number, times: 1 | -1): void {
    for (const [index, amount] of requests.entries()) {
      this.#allocated[index] = (this.#allocated[index] ?? 0) + times * amount;
    }
    this.touch(node);
  }

  #measure(index: number, node: NodeInfo | undefined): void {
    const free: FreeGpus = node === undefined ? [] : this.#devices.freeOf(node);
    const milliCpu = node === undefined ? 0 : node.allocatable.milliCpu - node.requested.milliCpu;
    const model = node === undefined ? '' : gpuModelOf(node);
    this.#lost[index] = free.length === 0 ? 0 : this.#fragmentation({ milliCpu, free, model });
    this.#idle[index] = free.reduce((sum, left) => sum + left, 0);
  }
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
