/** IPv4 networks in CIDR form, as numbers. Pure. Source: RFC 4632. */

export interface Cidr {
  /** The network's first address. */
  readonly base: number;
  /** Length of the prefix in bits, 0 to 32. */
  readonly prefix: number;
}

/** Throws when it is not `a.b.c.d/n`; bits after the prefix are ignored. */
export function parseCidr(text: string): Cidr {
  const [address = '', prefixText = ''] = text.split('/');
  const prefix = Number(prefixText);
  const bytes = address.split('.').map(Number);
  const isAddress =
    bytes.length === 4 && bytes.every((b) => Number.isInteger(b) && b >= 0 && b < 256);
  const isPrefix = /^[0-9]+$/.test(prefixText) && prefix <= 32;
  if (!isAddress || !isPrefix)
    throw new Error(`"${text}" is not an IPv4 network such as 10.244.1.0/24`);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return { base: value - (value % sizeOf(prefix)), prefix };
}

/** The n-th address of the network, as text. */
export function addressAt(cidr: Cidr, index: number): string {
  const value = cidr.base + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** How many addresses it has. */
export function addressCount(cidr: Cidr): number {
  return sizeOf(cidr.prefix);
}

function sizeOf(prefix: number): number {
  return 2 ** (32 - prefix);
}
