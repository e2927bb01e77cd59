/**
 * Where a Service's traffic goes: the addresses and ports of the pods that it selects.
 *
 * Source: kubernetes pkg/controller/endpoint/endpoints_controller.go; staging
 * endpointslice/utils.go, v1.36.
 */

import type { Pod, Service, ServicePort } from '../../proto/api/gen/core-v1.ts';
import { matchesLabels, requirementsOfMap } from '../../proto/api/label-selector.ts';
import { isPodOver, isPodReady } from '../pod-state.ts';

export interface ResolvedPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: 'SCTP' | 'TCP' | 'UDP';
  readonly appProtocol?: string;
}

export interface Backend {
  readonly pod: Pod;
  readonly ip: string;
  readonly ports: readonly ResolvedPort[];
  /** Traffic may go there. */
  readonly isReady: boolean;
  /** Ready, even though it is going. */
  readonly isServing: boolean;
  readonly isTerminating: boolean;
}

/** Sorted by address. None when the Service has no selector: then others write its endpoints. */
export function backendsOf(service: Service, pods: readonly Pod[]): readonly Backend[] {
  const { selector, publishNotReadyAddresses = false } = service.spec;
  const requirements = requirementsOfMap(selector ?? {});
  const backends: Backend[] = [];
  for (const pod of pods) {
    const ip = pod.status?.podIP ?? '';
    if (ip === '' || isPodOver(pod) || !matchesLabels(requirements, pod.metadata.labels)) continue;
    const isServing = isPodReady(pod);
    const isTerminating = pod.metadata.deletionTimestamp !== undefined;
    const isReady = publishNotReadyAddresses || (isServing && !isTerminating);
    const ports = (service.spec.ports ?? []).flatMap((port) => resolvePort(port, pod));
    backends.push({ pod, ip, ports, isReady, isServing, isTerminating });
  }
  return backends.sort((a, b) => (a.ip < b.ip ? -1 : 1));
}

export function hasSelector(service: Service): boolean {
  const { selector, type } = service.spec;
  return type !== 'ExternalName' && selector !== undefined && Object.keys(selector).length > 0;
}

/** A named target port is whatever the pod's container calls so; without one, there is no port. */
function resolvePort(port: ServicePort, pod: Pod): ResolvedPort[] {
  const { name, protocol = 'TCP', appProtocol, targetPort } = port;
  const target = targetPort ?? port.port;
  const number =
    typeof target === 'number' && target !== 0 ? target : namedPort(pod, target, protocol);
  if (number === undefined) return [];
  return [
    {
      ...(name === undefined || name === '' ? {} : { name }),
      port: number,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    },
  ];
}

function namedPort(pod: Pod, name: number | string, protocol: string): number | undefined {
  const sidecars = pod.spec.initContainers?.filter((one) => one.restartPolicy === 'Always') ?? [];
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const port = container.ports?.find(
      (each) => each.name === name && (each.protocol ?? 'TCP') === protocol,
    );
    if (port !== undefined) return port.containerPort;
  }
  return undefined;
}
