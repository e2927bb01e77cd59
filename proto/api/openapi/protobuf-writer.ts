/**
 * Writes the protobuf wire format, as far as documents need it: texts, booleans, messages. Empty texts
 * and false are left out, as proto3 does.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

export class ProtobufWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  string(number: number, text: string): void {
    if (text !== '') this.#delimited(number, Buffer.from(text));
  }

  bool(number: number, value: boolean): void {
    if (!value) return;
    this.#push(varint(number * 8));
    this.#push(varint(1));
  }

  /** A message that `write` fills; it is there also when it stays empty. */
  message(number: number, write: (inner: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.#push(varint(number * 8 + 2));
    this.#push(varint(inner.#length));
    for (const part of inner.#parts) this.#push(part);
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #delimited(number: number, bytes: Buffer): void {
    this.#push(varint(number * 8 + 2));
    this.#push(varint(bytes.length));
    this.#push(bytes);
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
