/**
 * Decodes the scalars of the API from JSON: checks type and range, and gives the canonical form. What
 * does not fit is a {@link Mismatch}, which decode.ts turns into an error that says where.
 *
 * Source: encoding/json of Go 1.24; kubernetes/apimachinery pkg/{api/resource,util/intstr,apis/meta/v1}.
 */

import { canonicalQuantity, quantityError } from './quantity.ts';
import { canonicalMicroTime, canonicalTime } from './time.ts';

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
/** Doubles beyond 2^53 are no longer exact, but are taken up to what int64 holds. */
const INT64_MAX = 2 ** 63;

/** A value that is not of the type the schema wants. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
  /** What was found: `string`, `number 1.5`. */
  readonly found: string;
  /** Go's name of the type that was wanted; empty: `found` is the whole text. */
  readonly wanted: string;

  constructor(found: string, wanted: string) {
    super(`found ${found}, wanted ${wanted}`);
    this.found = found;
    this.wanted = wanted;
  }

  /** `place`: `struct field DeploymentSpec.spec.replicas`, or `value`. */
  describe(place: string): string {
    if (this.wanted === '') return this.found;
    return `json: cannot unmarshal ${this.found} into Go ${place} of type ${this.wanted}`;
  }
}

type ScalarDecoder = (value: unknown) => unknown;

/** The decoder of a scalar of the schema. */
export function decodeScalar(name: string): ScalarDecoder {
  return DECODERS[name] ?? opaque;
}

/** As Go's decoder names what it found. */
export function kindOfJson(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'object':
      return value === null ? 'null' : 'object';
    default:
      return typeof value;
  }
}

const DECODERS: Readonly<Record<string, ScalarDecoder>> = {
  string: (value) => {
    if (typeof value !== 'string') throw new Mismatch(kindOfJson(value), 'string');
    return value;
  },
  bool: (value) => {
    if (typeof value !== 'boolean') throw new Mismatch(kindOfJson(value), 'bool');
    return value;
  },
  int32: (value) => integer(value, 'int32', INT32_MIN, INT32_MAX),
  int64: (value) => integer(value, 'int64', -INT64_MAX, INT64_MAX),
  double: (value) => {
    if (typeof value !== 'number') throw new Mismatch(kindOfJson(value), 'float64');
    return value;
  },
  bytes: base64,
  quantity,
  intOrString: (value) =>
    typeof value === 'string' ? value : integer(value, 'int32', INT32_MIN, INT32_MAX),
  time: (value) => time(value, canonicalTime, '2006-01-02T15:04:05Z07:00'),
  microTime: (value) => time(value, canonicalMicroTime, '2006-01-02T15:04:05.000000Z07:00'),
  duration: (value) => {
    if (typeof value !== 'string') throw new Mismatch(kindOfJson(value), 'string');
    const isDuration = /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(value);
    if (!isDuration) throw new Mismatch(`time: invalid duration ${JSON.stringify(value)}`, '');
    return value;
  },
};

function integer(value: unknown, type: string, min: number, max: number): number {
  if (typeof value !== 'number') throw new Mismatch(kindOfJson(value), type);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Mismatch(`number ${value}`, type);
}

function quantity(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new Mismatch(quantityError(JSON.stringify(value)) ?? '', '');
  }
  const text = String(value).trim();
  const canonical = canonicalQuantity(text);
  if (canonical === undefined) throw new Mismatch(quantityError(text) ?? '', '');
  return canonical;
}

function time(
  value: unknown,
  canonical: (text: string) => string | undefined,
  layout: string,
): string {
  if (typeof value !== 'string') throw new Mismatch(kindOfJson(value), 'string');
  const text = canonical(value);
  if (text !== undefined) return text;
  const shown = JSON.stringify(value);
  throw new Mismatch(`parsing time ${shown} as "${layout}": cannot parse ${shown} as "2006"`, '');
}

function base64(value: unknown): string {
  if (typeof value !== 'string') throw new Mismatch(kindOfJson(value), '[]uint8');
  // Go skips line ends in base64.
  const text = /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, '') : value;
  const isWhole = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  if (isWhole) return text;
  const wrong = /[^A-Za-z0-9+/]/.exec(text)?.index ?? text.length - (text.length % 4);
  throw new Mismatch(`illegal base64 data at input byte ${wrong}`, '');
}

/** Parts that the API carries without looking at them. */
function opaque(value: unknown): unknown {
  return value;
}
