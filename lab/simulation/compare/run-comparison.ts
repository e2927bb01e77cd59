/**
 * The work behind `skiff sim compare`: run the experiment (or take the results of one that was run), work
 * out bounds, run it again under other tie-breaks, and put it all together.
 */

import { UsageError } from '../../commands/usage-error.ts';
import type { ExperimentResult } from '../result/run-result.ts';
import { mean, standardDeviation } from '../statistics/summary.ts';
import { withCompaction } from './compaction.ts';
import { compareExperiment, isRandom, metricsOf } from './compare-experiment.ts';
import type { Comparison, DecisionDiff, TieBreakOutcome } from './comparison.ts';
import { type NodePoints, withRivals } from './decision-diff.ts';
import { compactionBound, experimentBounds } from './experiment-bounds.ts';
import { formatP } from './format.ts';

/** What may differ from the experiment as it is written. */
export interface RunOverrides {
  readonly policies?: readonly string[];
  readonly seeds?: readonly number[];
  readonly tieBreak?: string;
}

/** What there is beside the results of an experiment: the means to run it again. */
export interface Rerun {
  readonly run: (overrides: RunOverrides) => Promise<ExperimentResult>;
  /** What the policy gave to the nodes at this row of its decisions; undefined when nothing was scored. */
  readonly explain: (policy: string, seed: number, row: number) => Promise<NodePoints | undefined>;
  /**
   * The fewest nodes on which the policy places all pods that come until they ask for so many percent of
   * the axis resource; undefined when not even all nodes are enough.
   */
  readonly nodesNeeded: (
    policy: string,
    seed: number,
    percent: number,
  ) => Promise<number | undefined>;
}

export interface ComparisonOptions {
  /** Absent: the first policy. */
  readonly baseline?: string;
  /** The rules to try; none: no further runs. */
  readonly tieBreaks: readonly string[];
  /** Cell compaction with the pods that ask for so many percent; absent: none. */
  readonly compactPercent?: number;
  readonly command: string;
}

/** Does a step of the work, and may tell that it does. */
export type Step = <T>(name: string, run: () => Promise<T>) => Promise<T>;

/** The tie-breaks are compared on so many seeds: their effect is large or does not matter. */
export const TIE_BREAK_SEEDS = 3;

/** `rerun` is absent when there is only a file of results. Throws a UsageError for a policy unknown. */
export async function runComparison(
  results: ExperimentResult,
  options: ComparisonOptions,
  rerun: Rerun | undefined,
  step: Step,
): Promise<Comparison> {
  const names = results.policies.map(({ name }) => name);
  const baseline = options.baseline ?? names[0] ?? '';
  if (!names.includes(baseline)) {
    throw new UsageError(`--baseline ${baseline} is not among the policies: ${names.join(', ')}`);
  }
  const experiment = await compacted(results, options.compactPercent, rerun, step);
  const { bounds, notes } = await step('Bounds that no policy can beat', () =>
    experimentBounds(experiment),
  );
  const { compactPercent } = options;
  const compactionBounds =
    compactPercent === undefined ? [] : compactionBound(experiment, compactPercent);
  const tieBreaks =
    rerun === undefined ? [] : await runTieBreaks(experiment, options.tieBreaks, rerun, step);
  const comparison = compareExperiment({
    experiment,
    baseline,
    bounds: [...bounds, ...compactionBounds],
    tieBreaks,
    notes: [
      ...notes,
      ...fewSeeds(experiment.seeds.length),
      ...(rerun === undefined ? [NO_RERUN] : []),
    ],
    command: options.command,
  });
  if (rerun === undefined || comparison.decisionDiffs.length === 0) return comparison;
  const decisionDiffs = await step('What each gave to the node of the other', () =>
    explainDiffs(comparison.decisionDiffs, rerun),
  );
  return { ...comparison, decisionDiffs };
}

async function compacted(
  experiment: ExperimentResult,
  percent: number | undefined,
  rerun: Rerun | undefined,
  step: Step,
): Promise<ExperimentResult> {
  if (percent === undefined) return experiment;
  if (rerun === undefined) throw new UsageError('--compact needs the experiment, not its results');
  return await step('Cell compaction', () =>
    withCompaction(experiment, (policy, seed) => rerun.nodesNeeded(policy, seed, percent)),
  );
}

async function explainDiffs(
  diffs: readonly DecisionDiff[],
  { explain }: Rerun,
): Promise<readonly DecisionDiff[]> {
  const explained: DecisionDiff[] = [];
  for (const diff of diffs) {
    const { first, policy, baseline, seed } = diff;
    if (first === undefined) explained.push(diff);
    else {
      const own = await explain(policy, seed, first.index);
      const base = await explain(baseline, seed, first.index);
      explained.push({ ...diff, first: withRivals(first, [own, base]) });
    }
  }
  return explained;
}

/** 2/2^5 is above the usual 0.05. */
const SEEDS_FOR_P = 6;

function fewSeeds(count: number): readonly string[] {
  if (count >= SEEDS_FOR_P || count < 2) return [];
  const least = formatP(2 / 2 ** count);
  return [
    `With ${count} seeds P can't be below ${least} and intervals are too narrow: use --seeds 10 before you believe a difference.`,
  ];
}

const NO_RERUN = 'The tie-breaks were not compared: that needs the experiment, not its results.';

async function runTieBreaks(
  experiment: ExperimentResult,
  rules: readonly string[],
  rerun: Rerun,
  step: Step,
): Promise<readonly TieBreakOutcome[]> {
  const metric = metricsOf(experiment)[0];
  if (metric === undefined || rules.length === 0) return [];
  const seeds = experiment.seeds.slice(0, TIE_BREAK_SEEDS);
  // Placing at random is its own tie-break.
  const policies = experiment.policies.map(({ name }) => name).filter((name) => !isRandom(name));
  if (policies.length === 0) return [];
  const results = new Map<string, ExperimentResult>();
  for (const tieBreak of rules) {
    const again = await step(`Ties broken by ${tieBreak}`, () =>
      rerun.run({ policies, seeds, tieBreak }),
    );
    results.set(tieBreak, again);
  }
  return policies.map((policy) => ({
    policy,
    metric: metric.name,
    results: [...results].map(([tieBreak, { runs }]) => {
      const own = runs.filter((run) => run.policy === policy);
      const values = own.flatMap((run) => run.metrics[metric.name] ?? []);
      const ties = own.map((run) => tiedShare(run.decisions.ties));
      return {
        tieBreak,
        mean: mean(values),
        sd: standardDeviation(values),
        tiedShare: ties.length === 0 ? null : mean(ties),
      };
    }),
  }));
}

/** Part of the attempts that had a choice among equal best nodes. */
function tiedShare(ties: Uint32Array): number {
  let tied = 0;
  let scored = 0;
  for (const count of ties) {
    if (count > 0) scored += 1;
    if (count > 1) tied += 1;
  }
  return scored === 0 ? 0 : tied / scored;
}

/** Keeps only these policies and seeds of results that were read from a file. */
export function selectRuns(
  experiment: ExperimentResult,
  { policies, seeds }: RunOverrides,
): ExperimentResult {
  const names = experiment.policies.map(({ name }) => name);
  const unknown = policies?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no policy "${unknown}" in it, only ${names.join(', ')}`);
  }
  const missing = seeds?.find((seed) => !experiment.seeds.includes(seed));
  if (missing !== undefined) throw new UsageError(`Seed ${missing} was not run`);
  const keptPolicies = policies ?? names;
  const keptSeeds = seeds ?? experiment.seeds;
  return {
    ...experiment,
    policies: keptPolicies.flatMap((name) => experiment.policies.filter((p) => p.name === name)),
    seeds: keptSeeds,
    arrivals: keptSeeds.flatMap((seed) => experiment.arrivals.filter((a) => a.seed === seed)),
    runs: keptPolicies.flatMap((name) =>
      keptSeeds.flatMap((seed) =>
        experiment.runs.filter((run) => run.policy === name && run.seed === seed),
      ),
    ),
  };
}
