/**
 * What a service keeps when an update leaves it out: its addresses and node ports. Asked by the
 * strategy, and before it by the admission plugin that would otherwise give out new ones.
 * Source: kubernetes pkg/registry/core/service/storage/storage.go `patchAllocatedValues`, v1.36.
 */

import type { ServiceSpec } from '../../../../proto/api/gen/core-v1.ts';
import type { Editable } from '../define-strategy.ts';

/** A PUT that leaves out what the server gave the service does not take it away. */
export function keepAllocations(spec: Editable<ServiceSpec>, old: ServiceSpec | undefined): void {
  if (old === undefined) return;
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName') {
    spec.clusterIP ||= old.clusterIP ?? '';
    if ((spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [...(old.clusterIPs ?? [])];
    spec.ipFamilies ??= [...(old.ipFamilies ?? [])];
    if (old.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
  }
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return;
  for (const port of spec.ports ?? []) {
    if ((port.nodePort ?? 0) !== 0) continue;
    const before = old.ports?.find(
      (one) => one.port === port.port && one.protocol === port.protocol,
    );
    if (before?.nodePort !== undefined) port.nodePort = before.nodePort;
  }
}
