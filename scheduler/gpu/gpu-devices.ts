/**
 * Which pod has which GPU of its node, and what is free of each. The pods on a node are the scheduler's
 * word; which devices they were given is remembered from Reserve. A pod that nobody reserved for (it was
 * there before) is given the tightest devices that fit, in the order of the node's pods.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { type GpuRequest, gpuCountOf, gpuRequestOf, NO_GPUS, WHOLE_GPU } from './gpu-request.ts';

/** Free thousandths of each device of a node, by its index. */
export type FreeGpus = readonly number[];

interface NodeDevices {
  /** The node's map of pods, which is changed in place, and the version that was looked at. */
  readonly pods: ReadonlyMap<string, PodInfo>;
  readonly version: number | undefined;
  /** Of which pods the state is, in order. */
  readonly uids: readonly string[];
  readonly gpus: number;
  readonly free: FreeGpus;
}

export class GpuDevices {
  readonly #given = new Map<string, readonly number[]>();
  readonly #nodes = new Map<string, NodeDevices>();

  /**
   * What is free on a node with the pods that it has now. With the version that the snapshot gives the
   * node, one that has not changed costs nothing.
   */
  freeOf(node: NodeInfo, version?: number): FreeGpus {
    const known = this.#nodes.get(node.name);
    if (version !== undefined && known?.version === version && known.pods === node.pods) {
      return known.free;
    }
    const gpus = gpuCountOf(node);
    if (known !== undefined && known.gpus === gpus && isSame(known.uids, node.pods)) {
      this.#nodes.set(node.name, { ...known, pods: node.pods, version });
      return known.free;
    }
    const free = new Array<number>(gpus).fill(WHOLE_GPU);
    for (const [uid, pod] of node.pods) {
      const request = gpuRequestOf(pod) ?? NO_GPUS;
      if (request.count === 0) continue;
      let devices = this.#given.get(uid);
      if (devices === undefined) {
        devices = tightestGpus(free, request);
        this.#given.set(uid, devices);
      }
      for (const device of devices) free[device] = (free[device] ?? 0) - request.milli;
    }
    const uids = [...node.pods.keys()];
    this.#nodes.set(node.name, { pods: node.pods, version, uids, gpus, free });
    return free;
  }

  give(uid: string, devices: readonly number[]): void {
    this.#given.set(uid, devices);
  }

  takeBack(uid: string): void {
    this.#given.delete(uid);
  }
}

/** Whether the devices can give it. */
export function fitsGpus(free: FreeGpus, { count, milli }: GpuRequest): boolean {
  let fitting = 0;
  for (const left of free) if (left >= milli) fitting += 1;
  return fitting >= count;
}

/** The fitting devices with the least room; the first among equals. As many as there are, if too few. */
export function tightestGpus(free: FreeGpus, { count, milli }: GpuRequest): readonly number[] {
  const chosen: number[] = [];
  while (chosen.length < count) {
    let best = -1;
    for (const [device, left] of free.entries()) {
      if (left < milli || chosen.includes(device)) continue;
      if (best === -1 || left < (free[best] ?? 0)) best = device;
    }
    if (best === -1) break;
    chosen.push(best);
  }
  return chosen;
}

function isSame(uids: readonly string[], pods: ReadonlyMap<string, PodInfo>): boolean {
  if (uids.length !== pods.size) return false;
  let index = 0;
  for (const uid of pods.keys()) {
    if (uid !== uids[index]) return false;
    index += 1;
  }
  return true;
}
