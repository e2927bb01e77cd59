/**
 * Writes the protobuf wire format, as far as documents need it: texts, booleans, messages. Empty texts
 * and false are left out, as proto3 does.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

const INITIAL_BYTES = 64 * 1024;

/** A varint of a length: documents are far smaller than 2^35 bytes. */
const LENGTH_BYTES_MAX = 5;

export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  string(number: number, text: string): void {
    if (text === '') return;
    this.#varint(number * 8 + 2);
    // A UTF-16 unit is at most three bytes in UTF-8.
    this.#reserve(text.length * 3 + LENGTH_BYTES_MAX);
    this.#varint(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  bool(number: number, value: boolean): void {
    if (!value) return;
    this.#varint(number * 8);
    this.#varint(1);
  }

  /** A message that `write` fills, with this same writer; it is there also when it stays empty. */
  message(number: number, write: (inner: ProtobufWriter) => void): void {
    this.#varint(number * 8 + 2);
    const start = this.#length;
    write(this);
    const length = this.#length - start;
    const prefix = varintLength(length);
    this.#reserve(prefix);
    this.#bytes.copyWithin(start + prefix, start, this.#length);
    this.#length = start;
    this.#varint(length);
    this.#length += length;
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #varint(value: number): void {
    this.#reserve(LENGTH_BYTES_MAX);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}
