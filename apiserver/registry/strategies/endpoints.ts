/**
 * Endpoints: the addresses behind a service.
 * Source: kubernetes pkg/registry/core/endpoint/strategy.go, pkg/printers/internalversion, v1.36.
 */

import type { EndpointSubset } from '../../../proto/api/gen/core-v1.ts';
import { endpoints } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, orNone } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateEndpoints } from './validation/endpoints.ts';

/** More addresses than this are only counted. */
const SHOWN_MAX = 3;

export const endpointsStrategy = defineStrategy({
  resource: endpoints,
  status: 'none',
  allowCreateOnUpdate: true,
  nameRule: 'subdomain',

  setDefaults(object) {
    for (const port of (object.subsets ?? []).flatMap((subset) => subset.ports ?? [])) {
      port.protocol ||= 'TCP';
    }
  },
  validate: validateEndpoints,

  columns: [NAME_COLUMN, column('Endpoints', 'The ready addresses and ports.'), AGE_COLUMN],
  cells(object, nowMs) {
    return [object.metadata.name, addressesCell(object.subsets ?? []), ageOf(object, nowMs)];
  },
});

function addressesCell(subsets: readonly EndpointSubset[]): string {
  const all = subsets.flatMap(addressesOf);
  const shown = orNone(all.slice(0, SHOWN_MAX).join(','));
  return all.length > SHOWN_MAX ? `${shown} + ${all.length - SHOWN_MAX} more...` : shown;
}

function addressesOf(subset: EndpointSubset): string[] {
  const ips = (subset.addresses ?? []).map(({ ip }) => ip);
  const ports = subset.ports ?? [];
  if (ports.length === 0) return ips;
  return ports.flatMap(({ port }) => ips.map((ip) => hostPort(ip, port)));
}

function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
