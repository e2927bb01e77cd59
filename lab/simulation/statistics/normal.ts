/** The standard normal distribution: its cumulative function and the inverse of that. */

/** Where the series for the middle gives way to the continued fraction for the tail. */
const TAIL_FROM = 3;
const SERIES_TERMS = 100;
const FRACTION_TERMS = 120;

/**
 * P(Z <= z), to about 1e-15, also relative to it in the lower tail.
 * Source: Abramowitz and Stegun 26.2.11 (series) and 26.2.14 (continued fraction).
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  if (Math.abs(z) > TAIL_FROM) return z < 0 ? tail(-z) : 1 - tail(z);
  let term = z;
  let total = z;
  for (let k = 1; k < SERIES_TERMS; k += 1) {
    term *= (z * z) / (2 * k + 1);
    total += term;
  }
  return 0.5 + density(z) * total;
}

/** The z with P(Z <= z) = p; -Infinity and Infinity at 0 and 1. Inverts {@link normalCdf} by bisection. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  let low = -40;
  let high = 40;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
}

/** P(Z > z) for z well above 0. */
function tail(z: number): number {
  let fraction = z;
  for (let k = FRACTION_TERMS; k >= 1; k -= 1) fraction = z + k / fraction;
  return density(z) / fraction;
}

function density(z: number): number {
  return Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
}
