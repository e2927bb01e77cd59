/** Cuts a byte stream into lines of JSON, up to a length; can be stopped between two lines. */

/** Keeps at most one incomplete line. */
export class LineReader {
  readonly #lineBytesMax: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** The next complete line without its end, or undefined. Throws when it is too long. */
  next(): string | undefined {
    const end = this.#rest.indexOf(0x0a);
    if (end > this.#lineBytesMax || (end === -1 && this.#rest.length > this.#lineBytesMax)) {
      throw new Error(`A line is longer than ${this.#lineBytesMax} bytes`);
    }
    if (end === -1) return undefined;
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  /** What came after the last line that was taken. */
  takeRest(): Buffer {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest;
  }
}
