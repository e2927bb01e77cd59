/**
 * Ports of a node that pods occupy, by protocol, port and address. `0.0.0.0` is every address.
 *
 * Source: kubernetes/kube-scheduler framework HostPortInfo, v0.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const ANY_ADDRESS = '0.0.0.0';

/** The host ports that a pod's containers and sidecars ask for. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  const sidecars = pod.spec.initContainers?.filter((one) => one.restartPolicy === 'Always') ?? [];
  for (const container of [...sidecars, ...pod.spec.containers]) {
    for (const { hostPort = 0, hostIP, protocol = 'TCP' } of container.ports ?? []) {
      const ip = hostIP === undefined || hostIP === '' ? ANY_ADDRESS : hostIP;
      if (hostPort > 0) ports.push({ ip, protocol, port: hostPort });
    }
  }
  return ports;
}

export function portsConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === ANY_ADDRESS || b.ip === ANY_ADDRESS;
}
