/**
 * Quantities, as `500m`, `128Mi` or `2e3`: parsed exactly (to a nano unit), compared, added, and
 * printed in the canonical form. No floating point is involved; what is finer than a nano is
 * rounded away from zero, and what is larger than 2^63-1 is that.
 *
 * Source: kubernetes/apimachinery pkg/api/resource/{quantity,suffix}.go, v0.36.
 */

/** How a quantity was written, and so how it is printed. */
export type QuantityFormat = 'binarySI' | 'decimalSI' | 'decimalExponent';

export interface Quantity {
  /** The amount in billionths. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const NANO = 1_000_000_000n;
const MILLI_PER_NANO = 1_000_000n;
const MAX_NANO = (2n ** 63n - 1n) * NANO;

/** Longer texts are no quantities: no number that fits needs more characters. */
const TEXT_LENGTH_MAX = 1024;

/** Parsed texts that are remembered: a cluster uses few different ones, and asks for them often. */
const CACHE_SIZE_MAX = 4096;

const FORM_ERROR =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_ERROR = "unable to parse quantity's suffix";

const BINARY_SHIFT: ReadonlyMap<string, bigint> = new Map([
  ['Ki', 10n],
  ['Mi', 20n],
  ['Gi', 30n],
  ['Ti', 40n],
  ['Pi', 50n],
  ['Ei', 60n],
]);
const DECIMAL_EXPONENT: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const DECIMAL_SUFFIX: ReadonlyMap<number, string> = new Map(
  [...DECIMAL_EXPONENT].map(([suffix, exponent]) => [exponent, suffix]),
);
const BINARY_SUFFIX: readonly string[] = ['', ...BINARY_SHIFT.keys()];

type Parsed = Quantity | { readonly error: string };
const cache = new Map<string, Parsed>();

/** Gives `undefined` when the text is not a quantity; {@link quantityError} says why. */
export function parseQuantity(text: string): Quantity | undefined {
  const parsed = parse(text);
  return 'error' in parsed ? undefined : parsed;
}

/** Upstream's words for what is wrong with the text; `undefined` when it is a quantity. */
export function quantityError(text: string): string | undefined {
  const parsed = parse(text);
  return 'error' in parsed ? parsed.error : undefined;
}

/** The canonical form: no fraction, the largest suffix that loses nothing. */
export function formatQuantity(quantity: Quantity): string {
  const { nano, format } = quantity;
  if (nano === 0n) return '0';
  if (format === 'binarySI' && nano % NANO === 0n && abs(nano) >= 1024n * NANO) {
    return formatBinary(nano / NANO);
  }
  let mantissa = nano;
  let exponent = -9;
  while (mantissa % 1000n === 0n && exponent < 18) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (format === 'decimalExponent') return `${mantissa}${exponent === 0 ? '' : `e${exponent}`}`;
  return `${mantissa}${DECIMAL_SUFFIX.get(exponent) ?? ''}`;
}

/** The canonical form of a text, or `undefined` when it is not a quantity. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

/** Thousandths, rounded up (away from zero). Throws a `RangeError` on what is not a quantity. */
export function quantityToMilli(value: string | number): number {
  return Number(divideAwayFromZero(mustParse(String(value)).nano, MILLI_PER_NANO));
}

/** Whole units (bytes, pods), rounded up (away from zero). Throws as {@link quantityToMilli}. */
export function quantityValue(value: string | number): number {
  return Number(divideAwayFromZero(mustParse(String(value)).nano, NANO));
}

export const quantityToBytes = quantityValue;

/** Negative when a < b, 0 when they are the same amount, positive when a > b. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  if (a.nano === b.nano) return 0;
  return a.nano < b.nano ? -1 : 1;
}

/** The sum; it is printed as `a` is, unless `a` is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

/** The difference, printed as `a` is, unless `a` is zero. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

function mustParse(text: string): Quantity {
  const parsed = parse(text);
  if ('error' in parsed) throw new RangeError(`"${text}" is not a quantity: ${parsed.error}`);
  return parsed;
}

function parse(text: string): Parsed {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const parsed = parseAnew(text);
  if (cache.size >= CACHE_SIZE_MAX) cache.clear();
  cache.set(text, parsed);
  return parsed;
}

function parseAnew(text: string): Parsed {
  if (text.length > TEXT_LENGTH_MAX) return { error: FORM_ERROR };
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? [];
  if (match === null || whole + fraction === '') return { error: FORM_ERROR };
  const digits = BigInt(whole + fraction);
  const scale = fraction.length;
  const amount = scaled(digits, scale, suffix);
  if (amount === undefined) return { error: SUFFIX_ERROR };
  const { nano, format } = amount;
  if (sign === '-') return { nano: -nano, format };
  return { nano: nano > MAX_NANO ? MAX_NANO : nano, format };
}

/** `digits * 10^-scale` times what the suffix means, in nano units; `undefined`: no such suffix. */
function scaled(digits: bigint, scale: number, suffix: string): Quantity | undefined {
  const shift = BINARY_SHIFT.get(suffix);
  if (shift !== undefined) {
    const nano = divideAwayFromZero((digits << shift) * NANO, 10n ** BigInt(scale));
    return { nano, format: 'binarySI' };
  }
  const decimal = DECIMAL_EXPONENT.get(suffix);
  if (decimal !== undefined) {
    return { nano: shiftDecimal(digits, decimal - scale + 9), format: 'decimalSI' };
  }
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) return undefined;
  const nano = shiftDecimal(digits, Number(exponent) - scale + 9);
  return { nano, format: 'decimalExponent' };
}

/** `digits * 10^exponent`, away from zero; does not compute what is out of range anyway. */
function shiftDecimal(digits: bigint, exponent: number): bigint {
  if (digits === 0n) return 0n;
  if (exponent > TEXT_LENGTH_MAX) return MAX_NANO;
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  if (exponent < -2 * TEXT_LENGTH_MAX) return 1n;
  return divideAwayFromZero(digits, 10n ** BigInt(-exponent));
}

function formatBinary(units: bigint): string {
  let mantissa = units;
  let step = 0;
  while (mantissa % 1024n === 0n && step < BINARY_SUFFIX.length - 1) {
    mantissa /= 1024n;
    step += 1;
  }
  return `${mantissa}${BINARY_SUFFIX[step] ?? ''}`;
}

function divideAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (quotient * divisor === dividend) return quotient;
  return dividend > 0n ? quotient + 1n : quotient - 1n;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
