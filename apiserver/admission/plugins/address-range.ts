/** The addresses of an IPv4 CIDR, as numbers, without the network's own and the broadcast address. */

import assert from 'node:assert/strict';
import { isIP, isIPv4 } from 'node:net';

/** Addresses at the range's beginning that are given out last, at least and at most. */
const LOWER_BAND_MIN = 16;
const LOWER_BAND_MAX = 256;

export interface AddressRange {
  /** `10.96.0.0/16` */
  readonly text: string;
  /** First offset and count: the upper part, then the lower one. */
  readonly bands: readonly (readonly [number, number])[];
  isAddress(text: string): boolean;
  contains(ip: string): boolean;
  /** The address at this offset from the network's own. */
  at(offset: number): string;
}

export function parseRange(text: string): AddressRange {
  const [address = '', bits = ''] = text.split('/');
  const prefix = Number(bits);
  assert(isIPv4(address) && prefix >= 8 && prefix <= 30, `"${text}" is not a range for services`);
  const size = 2 ** (32 - prefix);
  const base = toNumber(address) - (toNumber(address) % size);
  const lower = Math.min(Math.max(LOWER_BAND_MIN, Math.floor(size / 16)), LOWER_BAND_MAX);
  // Offsets from 1: 0 is the network's, size - 1 the broadcast address.
  const usable = size - 2;
  const split = lower < usable ? lower : 0;
  return {
    text,
    bands: [
      [1 + split, usable - split],
      [1, split],
    ],
    isAddress: (ip) => isIP(ip) !== 0,
    contains: (ip) => isIPv4(ip) && toNumber(ip) > base && toNumber(ip) < base + size - 1,
    at: (offset) => toText(base + offset),
  };
}

function toNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
