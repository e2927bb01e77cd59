/** The `subsets` of a Service's Endpoints: its backends, grouped by their ports. */

import type { EndpointAddress, EndpointSubset } from '../../proto/api/gen/core-v1.ts';
import type { Backend } from './service-backends.ts';

/** Pods that are going aren't among them. */
export function endpointSubsets(backends: readonly Backend[]): readonly EndpointSubset[] {
  const groups = new Map<string, Backend[]>();
  for (const backend of backends) {
    if (backend.isTerminating) continue;
    const key = JSON.stringify(backend.ports);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [backend]);
    else group.push(backend);
  }
  return [...groups.values()].map((group) => {
    const ready = group.filter(({ isReady }) => isReady).map(addressOf);
    const notReady = group.filter(({ isReady }) => !isReady).map(addressOf);
    const ports = group[0]?.ports ?? [];
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports }),
    };
  });
}

function addressOf({ pod, ip }: Backend): EndpointAddress {
  const { namespace = '', name, uid } = pod.metadata;
  const { nodeName, hostname } = pod.spec;
  return {
    ip,
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
