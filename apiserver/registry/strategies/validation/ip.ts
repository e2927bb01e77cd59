/**
 * Validation of IP addresses.
 * Source: kubernetes/apimachinery pkg/util/validation/ip.go; pkg/apis/core/validation
 * `ValidateEndpointIP`, v1.36.
 */

import { BlockList, isIP } from 'node:net';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { invalidField } from '../../../../proto/api/validation.ts';

const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Addresses that lead to no other machine, and what is wrong with each. */
const SPECIAL: readonly (readonly [BlockList, string])[] = [
  [
    blocks([
      ['0.0.0.0', 32],
      ['::', 128],
    ]),
    'may not be unspecified (0.0.0.0 or ::)',
  ],
  [
    blocks([
      ['127.0.0.0', 8],
      ['::1', 128],
    ]),
    'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    blocks([
      ['169.254.0.0', 16],
      ['fe80::', 10],
    ]),
    'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  ],
  [
    blocks([
      ['224.0.0.0', 24],
      ['ff02::', 16],
    ]),
    'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  ],
];

export function ipErrors(field: string, ip: string): readonly FieldError[] {
  return isIP(ip) === 0 ? [invalidField(field, ip, NOT_AN_IP)] : [];
}

/** An address that others can reach. */
export function endpointIpErrors(field: string, ip: string): readonly FieldError[] {
  const version = isIP(ip);
  if (version === 0) return [invalidField(field, ip, NOT_AN_IP)];
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return SPECIAL.filter(([list]) => list.check(ip, family)).map(([, why]) =>
    invalidField(field, ip, why),
  );
}

function blocks(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) {
    list.addSubnet(address, prefix, address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}
