/**
 * EndpointSlices: a part of the addresses behind a service.
 * Source: kubernetes pkg/registry/discovery/endpointslice/strategy.go, pkg/apis/discovery/v1/
 * defaults.go, pkg/printers/internalversion, v1.36.
 */

import type { Endpoint, EndpointPort } from '../../../proto/api/gen/discovery-v1.ts';
import { endpointslices } from '../../../proto/api/gen/resources.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from './columns.ts';
import { defineStrategy } from './define-strategy.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation/endpoints.ts';

/** More ports or addresses than this are only counted. */
const SHOWN_MAX = 3;

export const endpointSliceStrategy = defineStrategy({
  resource: endpointslices,
  status: 'none',
  allowCreateOnUpdate: false,
  nameRule: 'subdomain',

  setDefaults(slice) {
    slice.endpoints ??= [];
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ||= 'TCP';
    }
  },
  prepareForCreate(slice) {
    slice.metadata.generation = 1;
  },
  validate: validateEndpointSlice,
  validateUpdate: validateEndpointSliceUpdate,

  columns: [
    NAME_COLUMN,
    column('AddressType', 'The kind of the addresses.'),
    column('Ports', 'The ports of every address.'),
    column('Endpoints', 'The addresses.'),
    AGE_COLUMN,
  ],
  cells(slice, nowMs) {
    return [
      slice.metadata.name,
      slice.addressType,
      portsCell(slice.ports ?? []),
      addressesCell(slice.endpoints ?? []),
      ageOf(slice, nowMs),
    ];
  },
});

function portsCell(ports: readonly EndpointPort[]): string {
  return listCell(
    ports.map(({ port, name }) => {
      if (port !== undefined) return String(port);
      return name !== undefined && name !== '' ? name : '*';
    }),
    '<unset>',
  );
}

function addressesCell(endpoints: readonly Endpoint[]): string {
  return listCell(
    endpoints.flatMap(({ addresses }) => addresses ?? []),
    '<unset>',
  );
}

function listCell(texts: readonly string[], none: string): string {
  if (texts.length === 0) return none;
  const shown = texts.slice(0, SHOWN_MAX).join(',');
  return texts.length > SHOWN_MAX ? `${shown} + ${texts.length - SHOWN_MAX} more...` : shown;
}
