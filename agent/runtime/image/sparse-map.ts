/**
 * Which parts of a sparse file an archive has. Pure.
 * Source: GNU tar manual, "Storing Sparse Files": the old format and PAX formats 0.0, 0.1 and 1.0.
 */

import {
  BLOCK_BYTES,
  numberAt,
  type PaxRecords,
  paxNumber,
  type SparsePart,
  sizeAt,
} from './tar-entry.ts';

/** Parts of one file: more is an attempt to use up memory. */
export const SPARSE_PARTS_MAX = 100_000;

export interface SparseMap {
  readonly parts: readonly SparsePart[];
  /** Bytes of the file, holes included. */
  readonly size: number;
}

/** From the extended records of formats 0.0 and 0.1; undefined when they have no map. */
export function mapOfPax(pax: PaxRecords): SparseMap | undefined {
  const text = pax.get('GNU.sparse.map')?.toString('latin1');
  if (text === undefined) return undefined;
  const size = paxNumber(pax, 'GNU.sparse.size') ?? paxNumber(pax, 'GNU.sparse.realsize') ?? 0;
  const numbers = text === '' ? [] : text.split(',').map(decimal);
  return checked(partsOf(numbers), size);
}

/** Whether the map comes before the content: format 1.0. */
export function isMapInContent(pax: PaxRecords): boolean {
  return paxNumber(pax, 'GNU.sparse.major') === 1;
}

/**
 * The map at the start of the content, and how many bytes it takes there; undefined when more of the
 * content is needed.
 */
export function mapOfContent(
  content: Buffer,
  pax: PaxRecords,
): { readonly map: SparseMap; readonly bytes: number } | undefined {
  let at = 0;
  const next = (): number | undefined => {
    const end = content.indexOf(0x0a, at);
    if (end < 0) return undefined;
    const value = decimal(content.toString('latin1', at, end));
    at = end + 1;
    return value;
  };
  const count = next();
  if (count === undefined) return undefined;
  if (count > SPARSE_PARTS_MAX) throw new Error('A sparse file of the archive has too many parts');
  const numbers: number[] = [];
  while (numbers.length < count * 2) {
    const value = next();
    if (value === undefined) return undefined;
    numbers.push(value);
  }
  const bytes = Math.ceil(at / BLOCK_BYTES) * BLOCK_BYTES;
  if (content.length < bytes) return undefined;
  return { map: checked(partsOf(numbers), paxNumber(pax, 'GNU.sparse.realsize') ?? 0), bytes };
}

/** The parts in a header of the old format, or in a block that goes on with it. */
export function partsOfBlock(
  block: Buffer,
  kind: 'header' | 'extension',
): { readonly parts: readonly SparsePart[]; readonly goesOn: boolean } {
  const [start, count, flag] = kind === 'header' ? [386, 4, 482] : [0, 21, 504];
  const parts: SparsePart[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block.readUInt8(at + 12) === 0) break;
    parts.push({ offset: sizeAt(block, at), length: sizeAt(block, at + 12) });
  }
  return { parts, goesOn: block.readUInt8(flag) !== 0 };
}

/** Of a header of the old format. */
export function realSizeOfHeader(block: Buffer): number {
  return Math.max(0, numberAt(block, 483, 12));
}

/** In order, without overlap, inside the file. */
export function checked(parts: readonly SparsePart[], size: number): SparseMap {
  if (parts.length > SPARSE_PARTS_MAX) {
    throw new Error('A sparse file of the archive has too many parts');
  }
  let end = 0;
  for (const { offset, length } of parts) {
    if (offset < end || offset + length > size) {
      throw new Error('A sparse file of the archive has parts outside of it');
    }
    end = offset + length;
  }
  return { parts, size };
}

function partsOf(numbers: readonly number[]): readonly SparsePart[] {
  const parts: SparsePart[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    parts.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return parts;
}

function decimal(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new Error('A sparse file of the archive has a map that is none');
}
