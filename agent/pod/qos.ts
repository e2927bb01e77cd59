/**
 * The QoS class of a pod, its place in the cgroup tree, and the numbers that follow from its
 * resources: CPU shares and quota, memory limit, OOM score.
 *
 * Source: kubernetes pkg/apis/core/v1/helper/qos/qos.go, pkg/kubelet/cm/helpers_linux.go and
 * pkg/kubelet/qos/policy.go, v1.36.
 */

import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { quantityToBytes, quantityToMilli } from '../../proto/api/quantity.ts';
import { initContainersOf, isSidecar } from './container-kinds.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** The kernel's smallest weight. */
const CPU_SHARES_MIN = 2;
const CPU_SHARES_MAX = 262_144;
/** The period the quota is of, in microseconds: the kernel's default. */
export const CPU_PERIOD_US = 100_000;
/** The kernel refuses a smaller quota, in microseconds. */
const CPU_QUOTA_MIN_US = 1_000;

const OOM_GUARANTEED = -997;
const OOM_BEST_EFFORT = 1000;

interface Amounts {
  readonly cpuMilli?: number;
  readonly memoryBytes?: number;
}

/** Requests default to the limits. Absent and 0 mean the same: none. */
export function requestsOf(container: Container): Amounts {
  const { requests = {}, limits = {} } = container.resources ?? {};
  return amounts(requests.cpu ?? limits.cpu, requests.memory ?? limits.memory);
}

export function limitsOf(container: Container): Amounts {
  const { limits = {} } = container.resources ?? {};
  return amounts(limits.cpu, limits.memory);
}

function amounts(cpu: string | undefined, memory: string | undefined): Amounts {
  const cpuMilli = cpu === undefined ? 0 : quantityToMilli(cpu);
  const memoryBytes = memory === undefined ? 0 : quantityToBytes(memory);
  return { ...(cpuMilli > 0 ? { cpuMilli } : {}), ...(memoryBytes > 0 ? { memoryBytes } : {}) };
}

export function qosClass(pod: Pod): QosClass {
  const all = [...initContainersOf(pod), ...pod.spec.containers].map((container) => ({
    requests: requestsOf(container),
    limits: limitsOf(container),
  }));
  const isNone = (each: Amounts): boolean =>
    each.cpuMilli === undefined && each.memoryBytes === undefined;
  if (all.every(({ requests, limits }) => isNone(requests) && isNone(limits))) return 'BestEffort';
  const isGuaranteed = all.every(
    ({ requests, limits }) =>
      limits.cpuMilli !== undefined &&
      limits.memoryBytes !== undefined &&
      requests.cpuMilli === limits.cpuMilli &&
      requests.memoryBytes === limits.memoryBytes,
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** `/kubepods/burstable/podUID` below the node's cgroup. */
export function podCgroupPath(root: string, qos: QosClass, uid: string): string {
  const parent = qosCgroupPath(root, qos);
  return `${parent}/pod${uid}`;
}

/** Guaranteed pods are directly in `kubepods`. */
export function qosCgroupPath(root: string, qos: QosClass): string {
  const base = `${root === '/' ? '' : root}/kubepods`;
  return qos === 'Guaranteed' ? base : `${base}/${qos.toLowerCase()}`;
}

export function cpuShares(milli: number | undefined): number {
  const shares = Math.floor(((milli ?? 0) * 1024) / 1000);
  return Math.min(Math.max(shares, CPU_SHARES_MIN), CPU_SHARES_MAX);
}

/** Microseconds a period of {@link CPU_PERIOD_US}; 0 without a limit. */
export function cpuQuota(milli: number | undefined): number {
  if (milli === undefined) return 0;
  return Math.max(Math.floor((milli * CPU_PERIOD_US) / 1000), CPU_QUOTA_MIN_US);
}

/** What the pod's cgroup gets; 0: no limit. */
export interface PodCgroupLimits {
  readonly cpuShares: number;
  readonly cpuQuotaUs: number;
  readonly memoryBytes: number;
}

/** Sums over the containers; a limit counts only when every container has one. */
export function podCgroupLimits(pod: Pod): PodCgroupLimits {
  const all = [...initContainersOf(pod), ...pod.spec.containers];
  const limited = (key: keyof Amounts): boolean => all.every((c) => limitsOf(c)[key] !== undefined);
  return {
    cpuShares: cpuShares(effective(pod, requestsOf, 'cpuMilli')),
    cpuQuotaUs: limited('cpuMilli') ? cpuQuota(effective(pod, limitsOf, 'cpuMilli')) : 0,
    memoryBytes: limited('memoryBytes') ? effective(pod, limitsOf, 'memoryBytes') : 0,
  };
}

/** What the pod takes of its node. */
export function podRequests(pod: Pod): { readonly cpuMilli: number; readonly memoryBytes: number } {
  const { cpu, memory } = pod.spec.overhead ?? {};
  const overhead = amounts(cpu, memory);
  return {
    cpuMilli: effective(pod, requestsOf, 'cpuMilli') + (overhead.cpuMilli ?? 0),
    memoryBytes: effective(pod, requestsOf, 'memoryBytes') + (overhead.memoryBytes ?? 0),
  };
}

/** The most that runs at the same time: init containers run one by one, sidecars stay. */
function effective(pod: Pod, of: (each: Container) => Amounts, key: keyof Amounts): number {
  const value = (container: Container): number => of(container)[key] ?? 0;
  const sidecars = initContainersOf(pod).filter(isSidecar);
  let peak = [...pod.spec.containers, ...sidecars].reduce((sum, c) => sum + value(c), 0);
  let before = 0;
  for (const container of initContainersOf(pod)) {
    if (isSidecar(container)) before += value(container);
    else peak = Math.max(peak, before + value(container));
  }
  return peak;
}

/** -1000 to 1000: the greater, the sooner the kernel kills it. */
export function oomScoreAdj(pod: Pod, container: Container, capacityBytes: number): number {
  switch (qosClass(pod)) {
    case 'Guaranteed':
      return OOM_GUARANTEED;
    case 'BestEffort':
      return OOM_BEST_EFFORT;
    case 'Burstable': {
      const request = requestsOf(container).memoryBytes ?? 0;
      const score = 1000 - Math.floor((1000 * request) / capacityBytes);
      return Math.min(Math.max(score, 1000 + OOM_GUARANTEED), OOM_BEST_EFFORT - 1);
    }
  }
}
