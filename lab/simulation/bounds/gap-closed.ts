/** How much of the way from chance to the best conceivable a policy goes. */

/**
 * (policy - random)/(bound - random): 0 as good as placing at random, 1 as good as the bound, which
 * perhaps nothing reaches. Undefined where random is at the bound already.
 */
export function gapClosed(values: {
  readonly policy: number;
  readonly random: number;
  readonly bound: number;
}): number | undefined {
  const whole = values.bound - values.random;
  return Math.abs(whole) < 1e-12 ? undefined : (values.policy - values.random) / whole;
}
