/**
 * Reads the protobuf wire format: tags, varints, lengths. Knows nothing of messages. Every read is
 * checked against the end; what does not fit throws a {@link ProtobufError}.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

/** A varint is at most ten bytes: 64 bits, seven a byte. */
const VARINT_BYTES_MAX = 10;

/** A position in bytes that only moves forward, up to an end. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  #position: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.byteLength) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** The field number and the wire type of what comes next. */
  tag(): { readonly number: number; readonly wireType: number } {
    const tag = this.varintNumber();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new ProtobufError('proto: illegal tag 0');
    return { number, wireType: tag % 8 };
  }

  /** An unsigned varint that must fit a double exactly: tags and lengths. */
  varintNumber(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 128;
    }
    throw new ProtobufError('proto: integer overflow');
  }

  /** A signed varint (`int32`, `int64`, `bool`): two's complement in 64 bits. */
  int64(): bigint {
    let value = 0n;
    for (let count = 0; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError('proto: integer overflow');
  }

  double(): number {
    const at = this.#take(8);
    return this.#bytes.readDoubleLE(at);
  }

  /** Length-delimited bytes; they share memory with the input. */
  bytes(): Buffer {
    const length = this.varintNumber();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  /** A reader of the length-delimited message that comes next. */
  message(): ProtobufReader {
    return new ProtobufReader(this.bytes());
  }

  skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.int64();
        break;
      case FIXED64:
        this.#take(8);
        break;
      case LENGTH:
        this.bytes();
        break;
      case FIXED32:
        this.#take(4);
        break;
      default:
        throw new ProtobufError(`proto: illegal wireType ${wireType}`);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#take(1)];
    return byte ?? 0;
  }

  /** Moves on by so many bytes, and gives where they began. */
  #take(count: number): number {
    const at = this.#position;
    if (count > this.#end - at) throw new ProtobufError('unexpected EOF');
    this.#position = at + count;
    return at;
  }
}
