/** Typed arrays that grow as rows are added. */

type Column = Float64Array | Float32Array | Uint32Array | Int32Array;

const INITIAL_ROWS = 1024;

export class Growing<A extends Column> {
  #rows: A;
  #length = 0;
  readonly #make: (length: number) => A;

  /** As `(length) => new Float64Array(length)`. */
  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#rows = make(INITIAL_ROWS);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#rows.length) {
      const larger = this.#make(2 * this.#length);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows[this.#length] = value;
    this.#length += 1;
  }

  set(row: number, value: number): void {
    this.#rows[row] = value;
  }

  /** What there is, in memory of its own. */
  take(): A {
    const exact = this.#make(this.#length);
    for (let row = 0; row < this.#length; row += 1) exact[row] = this.#rows[row] ?? 0;
    return exact;
  }
}
