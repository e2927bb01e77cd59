/**
 * The header of a tar member and the extended records before it, from bytes to an entry. Pure.
 *
 * Names are UTF-8; bytes that are not become U+FFFD.
 *
 * Source: POSIX pax interchange format; GNU tar manual, "Basic Tar Format", "Storing Sparse Files".
 */

export interface TarEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
  /** Bytes of a file, holes included. */
  readonly size: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Part of a sparse file that is in the archive. */
export interface SparsePart {
  readonly offset: number;
  readonly length: number;
}

/** Keys of extended records, with their values as bytes: those of attributes are no text. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

export const BLOCK_BYTES = 512;
/** Of the values of one extended attribute (XATTR_SIZE_MAX), in bytes. */
const XATTR_BYTES_MAX = 65_536;
const XATTR_NAME_MAX = 255;
export const XATTR_PREFIX = 'SCHILY.xattr.';

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Fields as the header has them, before extended records. */
export interface RawHeader {
  readonly typeFlag: string;
  /** Bytes that follow in the archive. */
  readonly size: number;
}

/** Throws when the checksum is wrong, or the size is not one. */
export function parseRawHeader(block: Buffer): RawHeader {
  const expected = numberAt(block, 148, 8);
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : block.readUInt8(at);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  if (expected !== unsigned && expected !== signed) {
    throw new Error('The archive has a header with a wrong checksum');
  }
  return { typeFlag: String.fromCharCode(block.readUInt8(156)), size: sizeAt(block, 124) };
}

/** Undefined for a member of a type that is not unpacked. */
export function parseEntry(
  block: Buffer,
  raw: RawHeader,
  pax: PaxRecords,
  long: { readonly name: string | undefined; readonly linkName: string | undefined },
): TarEntry | undefined {
  const name = textOf(pax.get('path')) ?? long.name ?? nameAt(block);
  const declared = TYPES[raw.typeFlag];
  // Archives from before POSIX have folders as files with a slash at the end.
  const type = declared === 'file' && name.endsWith('/') ? 'directory' : declared;
  if (type === undefined) return undefined;
  return {
    name: textOf(pax.get('GNU.sparse.name')) ?? name,
    type,
    mode: numberAt(block, 100, 8),
    uid: paxNumber(pax, 'uid') ?? numberAt(block, 108, 8),
    gid: paxNumber(pax, 'gid') ?? numberAt(block, 116, 8),
    mtimeNs: paxTime(pax) ?? BigInt(numberAt(block, 136, 12)) * 1_000_000_000n,
    linkName: textOf(pax.get('linkpath')) ?? long.linkName ?? textAt(block, 157, 100),
    major: numberAt(block, 329, 8),
    minor: numberAt(block, 337, 8),
    size: raw.size,
    xattrs: xattrsOf(pax),
  };
}

/** `LENGTH KEY=VALUE\n`, one after the other. Throws when that is not what it is. */
export function parsePax(bytes: Buffer, records: Map<string, Buffer>): void {
  const sparse: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)));
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    const isRecord =
      space > at &&
      Number.isInteger(length) &&
      equals > space &&
      equals < end &&
      end <= bytes.length;
    if (!isRecord || bytes.readUInt8(end - 1) !== 0x0a) {
      throw new Error('The archive has a broken extended header');
    }
    const key = bytes.toString('utf8', space + 1, equals);
    const value = Buffer.from(bytes.subarray(equals + 1, end - 1));
    // The oldest form repeats these two keys for each part.
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(value);
    else records.set(key, value);
    at = end;
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(',')));
}

/** A number of at most 2^53; undefined when there is none, throws when it is not one. */
export function paxNumber(pax: PaxRecords, key: string): number | undefined {
  const text = textOf(pax.get(key));
  if (text === undefined) return undefined;
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new Error(`The archive has an extended header whose "${key}" is no number`);
}

export function textAt(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end < 0 ? offset + length : Math.min(end, offset + length));
}

/** Octal digits, or a binary number when the first bit is set. Throws when it is neither. */
export function numberAt(block: Buffer, offset: number, length: number): number {
  const first = block.readUInt8(offset);
  if (first === 0x80 || first === 0xff) {
    const high = block.subarray(offset, offset + length);
    let value = first === 0xff ? -1n : 0n;
    for (const byte of high.subarray(1)) value = (value << 8n) | BigInt(byte);
    if (value > Number.MIN_SAFE_INTEGER && value < Number.MAX_SAFE_INTEGER) return Number(value);
    throw new Error('The archive has a number that is too large');
  }
  const text = block
    .toString('latin1', offset, offset + length)
    .replace(/[\0 ]+$/, '')
    .trim();
  if (text === '') return 0;
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  throw new Error('The archive has a number that is none');
}

/** A number that counts bytes. */
export function sizeAt(block: Buffer, offset: number): number {
  const size = numberAt(block, offset, 12);
  if (size >= 0) return size;
  throw new Error('The archive has a negative size');
}

/** Of ustar, which splits long names in two. GNU's old magic has other things there. */
function nameAt(block: Buffer): string {
  const name = textAt(block, 0, 100);
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textAt(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function paxTime(pax: PaxRecords): bigint | undefined {
  const text = textOf(pax.get('mtime'));
  const match = /^(-?[0-9]{1,12})(?:\.([0-9]{1,9})[0-9]*)?$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, seconds = '0', fraction = ''] = match;
  const nanoseconds = BigInt(fraction.padEnd(9, '0'));
  const whole = BigInt(seconds) * 1_000_000_000n;
  return seconds.startsWith('-') ? whole - nanoseconds : whole + nanoseconds;
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR_PREFIX)) continue;
    const name = key.slice(XATTR_PREFIX.length);
    if (name.length > XATTR_NAME_MAX || name.includes('\0') || value.length > XATTR_BYTES_MAX) {
      throw new Error('The archive has an extended attribute that is too large');
    }
    found.set(name, value);
  }
  return found;
}

function textOf(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString('utf8');
}
