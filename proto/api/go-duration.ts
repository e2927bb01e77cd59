/**
 * Durations as Go prints them: `1h0m0s`, `1.5s`, `100ms`.
 *
 * Source: Go 1.24 time.Duration.String.
 */

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
const MICROSECOND = 1_000n;

export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const rest = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (rest < MICROSECOND) return `${sign}${rest}ns`;
  if (rest < MILLISECOND) return `${sign}${fraction(rest, MICROSECOND)}µs`;
  if (rest < SECOND) return `${sign}${fraction(rest, MILLISECOND)}ms`;
  const minutes = rest / (60n * SECOND);
  const seconds = `${fraction(rest % (60n * SECOND), SECOND)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  const hours = minutes / 60n;
  if (hours === 0n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

/** `value / unit` with as many decimals as it needs. */
function fraction(value: bigint, unit: bigint): string {
  const whole = value / unit;
  const digits = String(unit).length - 1;
  const decimals = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return decimals === '' ? `${whole}` : `${whole}.${decimals}`;
}
