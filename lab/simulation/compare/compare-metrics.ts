/**
 * Sets policies side by side, metric by metric: the runs of one seed saw the same arrivals, so it is the
 * difference within a seed that counts.
 */

import { seededRandom } from '../../../scheduler/seeded-random.ts';
import { gapClosed } from '../bounds/gap-closed.ts';
import { bootstrapMean } from '../statistics/bootstrap.ts';
import { mean, standardDeviation } from '../statistics/summary.ts';
import { wilcoxonSignedRank } from '../statistics/wilcoxon.ts';
import type { Bound, Metric, MetricOutcome, PairedDifference } from './comparison.ts';

/** The numbers of one run. */
export interface RunNumbers {
  readonly policy: string;
  readonly seed: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface MetricPlan {
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  readonly metrics: readonly Metric[];
  readonly baseline: string;
  readonly random?: string;
  readonly bounds: readonly Bound[];
}

/** The bootstrap of every difference starts from this seed, so that it does not depend on the others. */
const BOOTSTRAP_SEED = 20_230_712;

/** Relative: values of one seed that differ by less are equal, their sums were only made in another order. */
const EQUAL_WITHIN = 1e-12;

/** The outcomes of each policy by metric name; policies in the order of the plan. */
export function compareMetrics(
  runs: readonly RunNumbers[],
  plan: MetricPlan,
): readonly Readonly<Record<string, MetricOutcome>>[] {
  const numbers = new Map(runs.map((run) => [keyOf(run.policy, run.seed), run.metrics]));
  const valuesOf = (policy: string, metric: Metric): readonly (number | null)[] =>
    plan.seeds.map((seed) => {
      const value = numbers.get(keyOf(policy, seed))?.[metric.name];
      return value === undefined || !Number.isFinite(value) ? null : value;
    });
  const columns = plan.metrics.map((metric) => {
    const all = plan.policies.map((policy) => valuesOf(policy, metric));
    const baseline = valuesOf(plan.baseline, metric);
    const differences = plan.policies.map((policy, i) =>
      policy === plan.baseline ? undefined : differenceOf(all[i] ?? [], baseline),
    );
    const adjusted = withHolm(differences);
    return { metric, outcomes: all.map((values, i) => outcomeOf(values, adjusted[i])) };
  });
  return plan.policies.map((policy, i) => {
    const named = columns.map(({ metric, outcomes }) => {
      const outcome = outcomes[i] ?? outcomeOf([], undefined);
      const random = outcomes[plan.policies.indexOf(plan.random ?? '')];
      const bound = plan.bounds.find((one) => one.metric === metric.name);
      return [metric.name, withGap(outcome, random, bound, policy === plan.random)] as const;
    });
    return Object.fromEntries(named);
  });
}

/** What is in both, seed by seed: the first minus the second. Undefined when no seed has both. */
export function differenceOf(
  values: readonly (number | null)[],
  baseline: readonly (number | null)[],
): Omit<PairedDifference, 'pHolm'> | undefined {
  const differences: number[] = [];
  for (const [index, value] of values.entries()) {
    const other = baseline[index];
    if (value === null || other === null || other === undefined) continue;
    const isEqual = Math.abs(value - other) <= EQUAL_WITHIN * Math.abs(other);
    differences.push(isEqual ? 0 : value - other);
  }
  if (differences.length === 0) return undefined;
  const { low, high } = bootstrapMean(differences, { random: seededRandom(BOOTSTRAP_SEED) });
  const { p, method } = wilcoxonSignedRank(differences);
  return {
    pairs: differences.length,
    mean: mean(differences),
    low: finiteOrNull(low),
    high: finiteOrNull(high),
    p,
    method,
    above: differences.filter((difference) => difference > 0).length,
    below: differences.filter((difference) => difference < 0).length,
  };
}

/** Source: S. Holm, "A simple sequentially rejective multiple test procedure" (1979). */
function withHolm(
  differences: readonly (Omit<PairedDifference, 'pHolm'> | undefined)[],
): readonly (PairedDifference | undefined)[] {
  const found = differences.filter((difference) => difference !== undefined);
  const ascending = found.toSorted((a, b) => a.p - b.p);
  const adjusted = new Map<(typeof ascending)[number], number>();
  let least = 0;
  for (const [rank, difference] of ascending.entries()) {
    least = Math.min(1, Math.max(least, difference.p * (ascending.length - rank)));
    adjusted.set(difference, least);
  }
  return differences.map((difference) =>
    difference === undefined ? undefined : { ...difference, pHolm: adjusted.get(difference) ?? 1 },
  );
}

function outcomeOf(
  values: readonly (number | null)[],
  difference: PairedDifference | undefined,
): MetricOutcome {
  const known = values.filter((value) => value !== null);
  return {
    values,
    mean: finiteOrNull(mean(known)),
    sd: finiteOrNull(standardDeviation(known)),
    ...(difference === undefined ? {} : { difference }),
  };
}

function withGap(
  outcome: MetricOutcome,
  random: MetricOutcome | undefined,
  bound: Bound | undefined,
  isRandom: boolean,
): MetricOutcome {
  if (bound === undefined || isRandom || outcome.mean === null) return outcome;
  if (random === undefined || random.mean === null) return outcome;
  const gap = gapClosed({ policy: outcome.mean, random: random.mean, bound: bound.mean });
  return gap === undefined ? outcome : { ...outcome, gapClosed: gap };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function keyOf(policy: string, seed: number): string {
  return `${seed} ${policy}`;
}
