/**
 * What the agent says of its node: a pure function of the machine and the flags.
 *
 * Source: kubernetes pkg/kubelet/nodestatus/setters.go and kubelet_node_status.go, v1.36.
 */

import type { Node, NodeCondition, NodeStatus } from '../../proto/api/gen/core-v1.ts';
import type { Draft } from '../../proto/api/meta.ts';

export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly podCidr: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  readonly maxPods: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** `amd64`, as Go names it. */
  readonly architecture: string;
  /** `skiff://0.1.0` */
  readonly runtimeVersion: string;
}

/** One condition's verdict. */
export interface NodeVerdict {
  readonly type: 'MemoryPressure' | 'DiskPressure' | 'PIDPressure' | 'Ready';
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export const KUBELET_VERSION = 'v1.36.3+skiff';

const BYTES_PER_KI = 1024;

/** Keys that older clients still read. */
const BETA_LABELS = ['beta.kubernetes.io/arch', 'beta.kubernetes.io/os'] as const;

export function nodeLabels(facts: NodeFacts): Readonly<Record<string, string>> {
  return {
    [BETA_LABELS[0]]: facts.architecture,
    [BETA_LABELS[1]]: 'linux',
    'kubernetes.io/arch': facts.architecture,
    'kubernetes.io/hostname': facts.name,
    'kubernetes.io/os': 'linux',
  };
}

export function newNode(facts: NodeFacts): Draft<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: facts.name, labels: nodeLabels(facts) },
    spec: { podCIDR: facts.podCidr, podCIDRs: [facts.podCidr] },
  };
}

/** Everything but the conditions. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const resources = {
    cpu: facts.cpuMilli % 1000 === 0 ? String(facts.cpuMilli / 1000) : `${facts.cpuMilli}m`,
    'ephemeral-storage': `${Math.floor(facts.ephemeralStorageBytes / BYTES_PER_KI)}Ki`,
    memory: `${Math.floor(facts.memoryBytes / BYTES_PER_KI)}Ki`,
    pods: String(facts.maxPods),
  };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: facts.ip },
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: facts.architecture,
    },
  };
}

/** Keeps the time of the last transition of what hasn't changed. */
export function nodeConditions(
  verdicts: readonly NodeVerdict[],
  previous: readonly NodeCondition[],
  now: string,
): readonly NodeCondition[] {
  return verdicts.map((verdict) => {
    const status = verdict.status ? 'True' : 'False';
    const before = previous.find(({ type }) => type === verdict.type);
    return {
      type: verdict.type,
      status,
      reason: verdict.reason,
      message: verdict.message,
      lastHeartbeatTime: now,
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now,
    };
  });
}

export interface Pressure {
  /** Bytes that can be had without swapping. */
  readonly memoryAvailableBytes: number;
  readonly diskAvailableBytes: number;
  readonly diskTotalBytes: number;
  readonly inodesFree: number;
  readonly inodesTotal: number;
  readonly processes: number;
  readonly processesMax: number;
}

/** Undefined: the runtime can't be reached. */
export interface RuntimeReadiness {
  readonly problems: readonly string[];
}

/** The kubelet's hard eviction thresholds. */
const MEMORY_AVAILABLE_MIN_BYTES = 100 * 1024 * 1024;
const DISK_AVAILABLE_MIN = 0.1;
const INODES_FREE_MIN = 0.05;
const PROCESSES_FREE_MIN = 0.1;

export function nodeVerdicts(
  pressure: Pressure,
  runtime: RuntimeReadiness,
): readonly NodeVerdict[] {
  const { memoryAvailableBytes, diskAvailableBytes, diskTotalBytes } = pressure;
  const disk =
    diskAvailableBytes < diskTotalBytes * DISK_AVAILABLE_MIN ||
    pressure.inodesFree < pressure.inodesTotal * INODES_FREE_MIN;
  const processesFree = pressure.processesMax - pressure.processes;
  const ready = runtime.problems.length === 0;
  return [
    pressureVerdict(
      'MemoryPressure',
      memoryAvailableBytes < MEMORY_AVAILABLE_MIN_BYTES,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    pressureVerdict(
      'DiskPressure',
      disk,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ),
    pressureVerdict(
      'PIDPressure',
      processesFree < pressure.processesMax * PROCESSES_FREE_MIN,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    {
      type: 'Ready',
      status: ready,
      reason: ready ? 'KubeletReady' : 'KubeletNotReady',
      message: ready ? 'kubelet is posting ready status' : `[${runtime.problems.join(', ')}]`,
    },
  ];
}

type Words = readonly [reason: string, message: string];

function pressureVerdict(
  type: NodeVerdict['type'],
  status: boolean,
  bad: Words,
  good: Words,
): NodeVerdict {
  const [reason, message] = status ? bad : good;
  return { type, status, reason, message };
}
