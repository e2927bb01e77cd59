/**
 * Reads a tar archive as its bytes come, and tells a sink what is in it. Ours, because a layer is
 * hostile, and because what layers carry (attributes that are no text, sparse files, archives without
 * their last blocks) is where tar libraries differ. Everything it keeps is bounded.
 *
 * ustar, PAX and GNU archives; the end may be missing, as long as it is not in the middle of a member.
 */

import {
  checked,
  isMapInContent,
  mapOfContent,
  mapOfPax,
  partsOfBlock,
  realSizeOfHeader,
  type SparseMap,
} from './sparse-map.ts';
import {
  BLOCK_BYTES,
  parseEntry,
  parsePax,
  parseRawHeader,
  paxNumber,
  type RawHeader,
  type SparsePart,
  type TarEntry,
} from './tar-entry.ts';

export interface TarSink {
  /** A member. Content follows only for a file. */
  begin(entry: TarEntry): void;
  /** Bytes of the file, which are only valid during the call. */
  write(chunk: Buffer, offset: number): void;
  /** After the last byte of a file. */
  end(): void;
}

/** Bytes of the extended headers of one member: attributes, and long names. */
const EXTENDED_BYTES_MAX = 2 * 2 ** 20;
/** Bytes of a map before the content of a sparse file. */
const MAP_BYTES_MAX = 4 * 2 ** 20;

type State =
  | { readonly kind: 'header' }
  /** Bytes of an extended header, or a map, that are kept until they are whole. */
  | { readonly kind: 'collect'; readonly bytes: Buffer[]; readonly whole: (bytes: Buffer) => void }
  | { readonly kind: 'content' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'ended' };

export class TarReader {
  readonly #sink: TarSink;
  #state: State = { kind: 'header' };
  /** Bytes that the state still waits for; headers are always a block. */
  #left = 0;
  /** Bytes up to the next block, after what the state reads. */
  #padding = 0;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #blockBytes = 0;
  readonly #global = new Map<string, Buffer>();
  #pax = new Map<string, Buffer>();
  #long: { name: string | undefined; linkName: string | undefined } = NO_LONG_NAMES;
  #extendedBytes = 0;
  #parts: readonly SparsePart[] = [];
  #partIndex = 0;
  #partBytes = 0;
  #mapBytes: Buffer = Buffer.alloc(0);

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Throws when it is no archive, or what the sink throws. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      switch (this.#state.kind) {
        case 'header':
          rest = this.#readBlock(rest);
          break;
        case 'collect': {
          const part = this.#take(rest);
          this.#state.bytes.push(Buffer.from(part));
          rest = rest.subarray(part.length);
          if (this.#left === 0) this.#collected(this.#state);
          break;
        }
        case 'content': {
          const part = this.#take(rest);
          rest = rest.subarray(part.length);
          this.#content(part);
          if (this.#left === 0) this.#endFile();
          break;
        }
        case 'skip': {
          rest = rest.subarray(this.#take(rest).length);
          if (this.#left === 0) this.#state = HEADER;
          break;
        }
        case 'ended':
          return;
      }
    }
  }

  /** Throws when the archive ends in the middle of a member. */
  finish(): void {
    const { kind } = this.#state;
    const isBetween =
      kind === 'ended' || kind === 'skip' || (kind === 'header' && this.#blockBytes === 0);
    if (isBetween && this.#pax.size === 0) return;
    throw new Error('The archive ends in the middle of a member');
  }

  #take(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    return part;
  }

  #readBlock(bytes: Buffer): Buffer {
    const count = Math.min(BLOCK_BYTES - this.#blockBytes, bytes.length);
    bytes.copy(this.#block, this.#blockBytes, 0, count);
    this.#blockBytes += count;
    if (this.#blockBytes === BLOCK_BYTES) {
      this.#blockBytes = 0;
      this.#header(this.#block);
    }
    return bytes.subarray(count);
  }

  #header(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#state = { kind: 'ended' };
      return;
    }
    const raw = parseRawHeader(block);
    switch (raw.typeFlag) {
      case 'x':
        this.#collect(raw.size, (bytes) => parsePax(bytes, this.#pax));
        return;
      case 'g':
        this.#collect(raw.size, (bytes) => parsePax(bytes, this.#global));
        return;
      case 'L':
        this.#collect(raw.size, (bytes) => {
          this.#long = { ...this.#long, name: withoutNul(bytes) };
        });
        return;
      case 'K':
        this.#collect(raw.size, (bytes) => {
          this.#long = { ...this.#long, linkName: withoutNul(bytes) };
        });
        return;
      default:
        this.#member(Buffer.from(block), raw);
    }
  }

  #collect(size: number, whole: (bytes: Buffer) => void): void {
    this.#extendedBytes += size;
    if (this.#extendedBytes > EXTENDED_BYTES_MAX) {
      throw new Error('The archive has an extended header that is too large');
    }
    this.#expect(size, { kind: 'collect', bytes: [], whole });
    if (size === 0) this.#skip(0);
  }

  #collected({ bytes, whole }: State & { kind: 'collect' }): void {
    // First: what it is for may go on with another block.
    this.#skip(this.#padding);
    whole(Buffer.concat(bytes));
  }

  #member(block: Buffer, raw: RawHeader): void {
    const pax = new Map([...this.#global, ...this.#pax]);
    const size = paxNumber(pax, 'size') ?? raw.size;
    const entry = parseEntry(block, { ...raw, size }, pax, this.#long);
    this.#pax = new Map();
    this.#long = NO_LONG_NAMES;
    this.#extendedBytes = 0;
    if (entry === undefined) {
      this.#expect(size, { kind: 'skip' });
      this.#skip(size + this.#padding);
    } else if (entry.type !== 'file') {
      this.#sink.begin(entry);
      // Some archives give a hard link the size of its file, and no content.
      const content = entry.type === 'link' ? 0 : size;
      this.#expect(content, { kind: 'skip' });
      this.#skip(content + this.#padding);
    } else if (raw.typeFlag === 'S') this.#oldSparse(block, entry, size, 'header', []);
    else if (isMapInContent(pax)) this.#sparseByContent(entry, size, pax);
    else this.#file(entry, mapOfPax(pax), size);
  }

  #oldSparse(
    block: Buffer,
    entry: TarEntry,
    size: number,
    kind: 'header' | 'extension',
    before: readonly SparsePart[],
    realSize = realSizeOfHeader(block),
  ): void {
    const { parts, goesOn } = partsOfBlock(block, kind);
    const map = checked([...before, ...parts.filter(({ length }) => length > 0)], realSize);
    if (!goesOn) {
      this.#file(entry, map, size);
      return;
    }
    this.#expect(BLOCK_BYTES, {
      kind: 'collect',
      bytes: [],
      whole: (bytes) => this.#oldSparse(bytes, entry, size, 'extension', map.parts, realSize),
    });
  }

  /** Collects blocks until the map is whole; what is left of the member is content. */
  #sparseByContent(entry: TarEntry, size: number, pax: ReadonlyMap<string, Buffer>): void {
    const { map, bytes } = mapOfContent(this.#mapBytes, pax) ?? { map: undefined, bytes: 0 };
    if (map !== undefined) {
      const left = size - bytes;
      this.#mapBytes = Buffer.alloc(0);
      this.#file(entry, map, left);
      return;
    }
    const isTooLong =
      this.#mapBytes.length >= MAP_BYTES_MAX || this.#mapBytes.length + BLOCK_BYTES > size;
    if (isTooLong) throw new Error('A sparse file of the archive has a map that is too long');
    this.#expect(BLOCK_BYTES, {
      kind: 'collect',
      bytes: [],
      whole: (block) => {
        this.#mapBytes = Buffer.concat([this.#mapBytes, block]);
        this.#sparseByContent(entry, size, pax);
      },
    });
  }

  /** `stored` bytes follow; without a map they are the whole file. */
  #file(entry: TarEntry, map: SparseMap | undefined, stored: number): void {
    this.#parts = map?.parts ?? [{ offset: 0, length: stored }];
    this.#partIndex = 0;
    this.#partBytes = 0;
    if (this.#parts.reduce((sum, { length }) => sum + length, 0) !== stored) {
      throw new Error('A sparse file of the archive has other bytes than its map says');
    }
    this.#expect(stored, { kind: 'content' });
    this.#sink.begin({ ...entry, size: map?.size ?? stored });
    if (stored === 0) this.#endFile();
  }

  #content(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = this.#parts[this.#partIndex];
      if (part === undefined) return;
      const chunk = rest.subarray(0, part.length - this.#partBytes);
      if (chunk.length > 0) this.#sink.write(chunk, part.offset + this.#partBytes);
      this.#partBytes += chunk.length;
      rest = rest.subarray(chunk.length);
      if (this.#partBytes === part.length) {
        this.#partIndex += 1;
        this.#partBytes = 0;
      }
    }
  }

  #endFile(): void {
    this.#skip(this.#padding);
    this.#sink.end();
  }

  #expect(size: number, state: State): void {
    this.#left = size;
    this.#padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#state = state;
  }

  #skip(bytes: number): void {
    this.#left = bytes;
    this.#padding = 0;
    this.#state = bytes === 0 ? HEADER : { kind: 'skip' };
  }
}

const HEADER: State = { kind: 'header' };
const NO_LONG_NAMES = { name: undefined, linkName: undefined };

function withoutNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
