/**
 * A hash of plain data by its content: the same for equal values on every machine, whatever order the
 * keys of objects were set in. Numbers go in as IEEE 754 bits, little-endian, so that no rounding in
 * print can hide a difference; each value is preceded by its kind and size, so that none can be read
 * as another.
 */

import { createHash, type Hash } from 'node:crypto';

/** SHA-256, in hex. Throws a TypeError for what isn't data: functions, symbols, class instances. */
export function contentHash(value: unknown): string {
  const hash = createHash('sha256');
  feed(hash, value);
  return hash.digest('hex');
}

function feed(hash: Hash, value: unknown): void {
  switch (typeof value) {
    case 'undefined':
      hash.update('u');
      return;
    case 'boolean':
      hash.update(value ? 't' : 'f');
      return;
    case 'string':
      hash.update(`s${Buffer.byteLength(value)}:`).update(value);
      return;
    case 'number':
      feedNumbers(hash, 'n', [value]);
      return;
    case 'object':
      feedObject(hash, value);
      return;
    default:
      throw new TypeError(`A ${typeof value} has no content to hash`);
  }
}

function feedObject(hash: Hash, value: object | null): void {
  if (value === null) hash.update('0');
  else if (isNumbers(value)) feedNumbers(hash, value.constructor.name, value);
  else if (Array.isArray(value)) {
    hash.update(`a${value.length}:`);
    for (const item of value) feed(hash, item);
  } else if (value instanceof Map) {
    hash.update(`m${value.size}:`);
    for (const pair of value) feed(hash, pair);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    // A field that is undefined is as good as absent.
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    hash.update(`o${fields.length}:`);
    for (const field of fields) feed(hash, field);
  } else throw new TypeError(`A ${value.constructor.name} has no content to hash`);
}

type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array;

function isNumbers(value: object): value is Numbers {
  return (
    value instanceof Float64Array ||
    value instanceof Float32Array ||
    value instanceof Int32Array ||
    value instanceof Uint32Array
  );
}

function feedNumbers(hash: Hash, kind: string, values: ArrayLike<number>): void {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    // There are many NaN, and two zeros: one of each counts.
    bytes.writeDoubleLE(Number.isNaN(value) ? Number.NaN : value + 0, index * 8);
  }
  hash.update(`${kind}${values.length}:`).update(bytes);
}
