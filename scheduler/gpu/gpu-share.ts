/**
 * Filter and Reserve for shared GPUs: only nodes whose devices can give what a pod asks for, and which
 * of them it gets. A policy that knows better than the tightest fit says which. With what else policies
 * for GPUs are written against, this is what they import as `skiff/policy/gpu`.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { newFragmentation, parseTypicalPods } from './fragmentation.ts';
import { type FreeGpus, fitsGpus, GpuDevices, tightestGpus } from './gpu-devices.ts';
import {
  GPU_RESOURCE,
  type GpuRequest,
  gpuCountOf,
  gpuModelOf,
  gpuRequestOf,
  WHOLE_GPU,
} from './gpu-request.ts';

export type { Fragmentation, TypicalPod } from './fragmentation.ts';
export type { GpuRequest } from './gpu-request.ts';
export {
  type FreeGpus,
  fitsGpus,
  gpuCountOf,
  gpuModelOf,
  gpuRequestOf,
  newFragmentation,
  parseTypicalPods,
  tightestGpus,
  WHOLE_GPU,
};

export interface GpuShareOptions {
  /**
   * Which devices a pod gets that wants a part of one; they fit. Absent: the tightest. Pods that want
   * whole devices get the first free ones.
   */
  readonly choose?: (free: FreeGpus, request: GpuRequest, pod: PodInfo, node: NodeInfo) => number;
}

export interface GpuShare {
  /** `GpuShare`, with Filter and Reserve. */
  readonly plugin: Plugin;
  /** For the scores of the policy: what is free on a node. */
  readonly freeOf: (node: NodeInfo) => FreeGpus;
}

const DEVICES = new WeakMap<Plugin, GpuDevices>();

export function newGpuShare(options: GpuShareOptions = {}): GpuShare {
  const devices = new GpuDevices();
  let nodes: Snapshot | undefined;
  const freeOf = (node: NodeInfo): FreeGpus => devices.freeOf(node, nodes?.versions[node.index]);
  const plugin: Plugin = {
    name: 'GpuShare',
    events: [{ kind: 'AssignedPodDelete' }, { kind: 'NodeAdd' }, { kind: 'NodeUpdateAllocatable' }],
    signPod: ({ requests }) => String(requests.scalars.get(GPU_RESOURCE) ?? 0),
    preFilter: (_state, _pod, snapshot) => {
      nodes = snapshot;
      return {};
    },
    filter: (_state, pod, node) => {
      const request = gpuRequestOf(pod);
      if (request === undefined) {
        return unresolvable(`${GPU_RESOURCE} above 1000 must be a multiple of 1000`);
      }
      if (request.count === 0 || fitsGpus(freeOf(node), request)) return undefined;
      return unschedulable('Insufficient GPU on one device');
    },
    reserve: (_state, pod, nodeName) => {
      const node = nodes?.byName.get(nodeName);
      const request = gpuRequestOf(pod);
      if (node === undefined || request === undefined || request.count === 0) return undefined;
      const free = devices.freeOf(withoutPod(node, pod.pod.metadata.uid));
      const isPart = request.count === 1 && request.milli < WHOLE_GPU;
      const device = isPart ? options.choose?.(free, request, pod, node) : undefined;
      const given = device === undefined ? tightestGpus(free, request) : [device];
      if (given.length < request.count) return unschedulable('Insufficient GPU on one device');
      devices.give(pod.pod.metadata.uid, given);
      return undefined;
    },
    unreserve: (_state, pod) => devices.takeBack(pod.pod.metadata.uid),
  };
  DEVICES.set(plugin, devices);
  return { plugin, freeOf };
}

/** Who has which device, as the plugin knows it; undefined when it isn't a GpuShare. */
export function gpuDevicesOf(plugin: Plugin): GpuDevices | undefined {
  return DEVICES.get(plugin);
}

/** The pod is assumed on the node already, which the snapshot may show or not. */
function withoutPod(node: NodeInfo, uid: string): NodeInfo {
  if (!node.pods.has(uid)) return node;
  const pods = new Map(node.pods);
  pods.delete(uid);
  return { ...node, pods };
}
