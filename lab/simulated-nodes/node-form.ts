/** What a simulated node looks like in the API, and what of it has to be written. Pure. */

import type { Node, NodeCondition, NodeStatus } from '../../proto/api/gen/core-v1.ts';
import type { Draft } from '../../proto/api/meta.ts';
import { formatTime } from '../../proto/api/time.ts';
import {
  CAPACITY_ANNOTATION,
  capacityText,
  DEFAULT_CAPACITY,
  readCapacity,
  SIMULATED_LABEL,
  SIMULATED_TAINT,
  type SimulatedNodes,
} from './settings.ts';

const HOSTNAME_LABEL = 'kubernetes.io/hostname';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** What a node is that the kubelet of a healthy machine would report. */
const CONDITIONS: readonly NodeCondition[] = [
  condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
  condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
  condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
  condition('Ready', 'True', 'KubeletReady'),
];

function condition(type: string, status: 'True' | 'False', reason: string): NodeCondition {
  return { type, status, reason, message: 'The node is simulated' };
}

/** `sim-1` to `sim-COUNT`. */
export function simulatedNodeNames({ count }: SimulatedNodes): readonly string[] {
  return Array.from({ length: count }, (_, index) => `sim-${index + 1}`);
}

export function newSimulatedNode(
  name: string,
  index: number,
  settings: SimulatedNodes,
): Draft<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [SIMULATED_LABEL.key]: SIMULATED_LABEL.value,
        [HOSTNAME_LABEL]: name,
        [ZONE_LABEL]: `zone-${(index % settings.zones) + 1}`,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
      },
      annotations: { [CAPACITY_ANNOTATION]: capacityText(settings.capacity) },
    },
    // No podCIDR: the agents would route to it.
    spec: settings.isTainted ? { taints: [SIMULATED_TAINT] } : {},
  };
}

/** The status to write, or undefined when the node says so already. `address`: of a node without. */
export function simulatedNodeStatus(
  node: Node,
  nowMs: number,
  address: () => string,
): NodeStatus | undefined {
  const { status = {}, metadata } = node;
  const isHealthy = CONDITIONS.every(({ type, status: wanted }) =>
    status.conditions?.some((one) => one.type === type && one.status === wanted),
  );
  if (isHealthy && status.capacity !== undefined && addressOf(node) !== undefined) return undefined;
  const text = metadata.annotations?.[CAPACITY_ANNOTATION];
  const read = text === undefined ? DEFAULT_CAPACITY : readCapacity(text);
  const capacity = typeof read === 'string' ? DEFAULT_CAPACITY : read;
  const now = formatTime(nowMs);
  return {
    capacity: status.capacity ?? capacity,
    allocatable: status.allocatable ?? status.capacity ?? capacity,
    conditions: CONDITIONS.map((one) => {
      const before = status.conditions?.find(({ type }) => type === one.type);
      const since = before?.status === one.status ? before.lastTransitionTime : undefined;
      return { ...one, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
    }),
    // No port of an agent: who asks for logs or exec is told that there is none.
    addresses: [
      { type: 'InternalIP', address: addressOf(node) ?? address() },
      { type: 'Hostname', address: metadata.name },
    ],
    nodeInfo: {
      machineID: metadata.uid,
      systemUUID: metadata.uid,
      bootID: '',
      kernelVersion: 'simulated',
      osImage: 'simulated',
      containerRuntimeVersion: 'simulated://0',
      kubeletVersion: 'v1.36.3+skiff',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  };
}

export function addressOf(node: Node | undefined): string | undefined {
  return node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}
