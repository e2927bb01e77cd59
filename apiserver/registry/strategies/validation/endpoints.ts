/**
 * Validation of Endpoints and EndpointSlices.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateEndpoints`,
 * pkg/apis/discovery/validation/validation.go, v1.36.
 */

import { isIPv4, isIPv6 } from 'node:net';
import type { EndpointSubset, Endpoints } from '../../../../proto/api/gen/core-v1.ts';
import type { EndpointSlice } from '../../../../proto/api/gen/discovery-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  duplicate,
  IMMUTABLE,
  invalidField,
  portNumber,
  required,
  texts,
  tooMany,
} from '../../../../proto/api/validation.ts';
import { endpointIpErrors } from './ip.ts';

const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const ENDPOINT_ADDRESSES_MAX = 100;

export function validateEndpoints(object: Endpoints): readonly FieldError[] {
  return (object.subsets ?? []).flatMap((subset, index) =>
    subsetErrors(`subsets[${index}]`, subset),
  );
}

function subsetErrors(at: string, subset: EndpointSubset): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const [list, name] of [
    [addresses, 'addresses'],
    [notReadyAddresses, 'notReadyAddresses'],
  ] as const) {
    for (const [index, { ip = '', hostname = '' }] of list.entries()) {
      const field = `${at}.${name}[${index}]`;
      errors.push(...endpointIpErrors(`${field}.ip`, ip));
      if (hostname !== '') {
        errors.push(...texts(`${field}.hostname`, hostname, dns1123LabelErrors(hostname)));
      }
    }
  }
  for (const [index, { name = '', port = 0 }] of ports.entries()) {
    const field = `${at}.ports[${index}]`;
    if (name !== '') errors.push(...texts(`${field}.name`, name, dns1123LabelErrors(name)));
    else if (ports.length > 1) errors.push(required(`${field}.name`));
    errors.push(...portNumber(`${field}.port`, port));
  }
  return errors;
}

export function validateEndpointSlice(slice: EndpointSlice): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  return [...errors, ...sliceEndpointErrors(slice), ...slicePortErrors(slice)];
}

export function validateEndpointSliceUpdate(
  slice: EndpointSlice,
  old: EndpointSlice,
): readonly FieldError[] {
  if (slice.addressType === old.addressType) return [];
  return [invalidField('addressType', slice.addressType, IMMUTABLE)];
}

function sliceEndpointErrors(slice: EndpointSlice): FieldError[] {
  const { endpoints = [] } = slice;
  const errors: FieldError[] = [];
  if (endpoints.length > SLICE_ENDPOINTS_MAX) {
    return [tooMany('endpoints', endpoints.length, SLICE_ENDPOINTS_MAX)];
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const field = `endpoints[${index}].addresses`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) {
      errors.push(required(field, 'must contain at least 1 address'));
    }
    if (addresses.length > ENDPOINT_ADDRESSES_MAX) {
      errors.push(tooMany(field, addresses.length, ENDPOINT_ADDRESSES_MAX));
    }
    for (const [i, address] of addresses.entries()) {
      errors.push(...addressErrors(`${field}[${i}]`, address, slice.addressType));
    }
    const { hostname } = endpoint;
    if (hostname !== undefined) {
      const at = `endpoints[${index}].hostname`;
      errors.push(...texts(at, hostname, dns1123LabelErrors(hostname)));
    }
  }
  return errors;
}

function addressErrors(
  field: string,
  address: string,
  type: EndpointSlice['addressType'],
): readonly FieldError[] {
  switch (type) {
    case 'IPv4':
      if (isIPv4(address)) return endpointIpErrors(field, address);
      return [invalidField(field, address, 'must be a valid IPv4 address')];
    case 'IPv6':
      if (isIPv6(address)) return endpointIpErrors(field, address);
      return [invalidField(field, address, 'must be a valid IPv6 address')];
    case 'FQDN':
      return texts(field, address, dns1123SubdomainErrors(address));
    default:
      return [];
  }
}

function slicePortErrors(slice: EndpointSlice): FieldError[] {
  const { ports = [] } = slice;
  if (ports.length > SLICE_PORTS_MAX) return [tooMany('ports', ports.length, SLICE_PORTS_MAX)];
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name = '' }] of ports.entries()) {
    const field = `ports[${index}].name`;
    if (name !== '') errors.push(...texts(field, name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(field, name));
    names.add(name);
  }
  return errors;
}
