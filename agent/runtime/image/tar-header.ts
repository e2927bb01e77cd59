/**
 * The 512 bytes before each member of a tar archive that we write: plain files of root, from the epoch,
 * so that the same content gives the same bytes. Pure. Source: POSIX ustar; GNU base-256 sizes.
 */

import assert from 'node:assert/strict';

export const TAR_BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
/** The largest size that eleven octal digits hold. */
const OCTAL_SIZE_MAX = 8 ** 11 - 1;

/** `name` has at most 100 bytes; `size` is in bytes. */
export function tarHeader(name: string, size: number): Buffer {
  assert(Buffer.byteLength(name) <= NAME_BYTES_MAX);
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(name, 0, 'utf8');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  if (size <= OCTAL_SIZE_MAX) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write('00000000000\0', 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What fills a member of this size up to a whole block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** Two empty blocks. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK_BYTES);
}
