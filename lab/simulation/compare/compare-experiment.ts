/**
 * Makes a comparison of an experiment's runs: metrics, curves and distributions of each policy, how the
 * others part from the baseline, bounds, and what the tie-break does. Decides nothing about running.
 */

import { contentHash } from '../result/content-hash.ts';
import type { MetricInfo } from '../result/metrics.ts';
import type { Arrivals, ExperimentResult, RunResult } from '../result/run-result.ts';
import { thinCdf } from '../statistics/summary.ts';
import { COMPACTION_METRIC } from './compaction.ts';
import { compareMetrics } from './compare-metrics.ts';
import type {
  Bound,
  Comparison,
  Curve,
  CurveKind,
  DistributionKind,
  Metric,
  TieBreakOutcome,
} from './comparison.ts';
import { diffDecisions } from './decision-diff.ts';
import { ALLOCATION_CURVE, axisOf } from './experiment-bounds.ts';
import { mergeCurves, type Steps } from './merge-curves.ts';

export interface ComparisonRequest {
  readonly experiment: ExperimentResult;
  readonly baseline: string;
  readonly bounds: readonly Bound[];
  readonly tieBreaks: readonly TieBreakOutcome[];
  readonly notes: readonly string[];
  /** The command that gives the same. */
  readonly command: string;
}

/** So many points draw a distribution smoothly over half a page. */
const CDF_POINTS = 160;

const MS_PER_SECOND = 1000;

export function compareExperiment(request: ComparisonRequest): Comparison {
  const { experiment, baseline } = request;
  const metrics = metricsOf(experiment);
  const names = experiment.policies.map(({ name }) => name);
  const random = names.find(isRandom);
  const outcomes = compareMetrics(
    experiment.runs.map(({ policy, seed, metrics: values }) => ({
      policy,
      seed,
      metrics: Object.fromEntries(
        Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
      ),
    })),
    {
      policies: names,
      seeds: experiment.seeds,
      metrics,
      baseline,
      ...(random === undefined ? {} : { random }),
      bounds: request.bounds,
    },
  );
  const curves = curvesOf(experiment);
  const distributions = experiment.mode === 'queued' ? DISTRIBUTIONS : [];
  return {
    kind: 'SkiffComparison',
    formatVersion: 1,
    title: experiment.name,
    description: experiment.description,
    provenance: {
      skiffVersion: experiment.codeVersion,
      traceHash: contentHash(experiment.arrivals.map(({ traceHash }) => traceHash)),
      configHash: experiment.configHash,
      resultHash: experiment.resultHash,
      runs: experiment.runs.map(({ policy, seed, traceHash, resultHash }) => ({
        policy,
        seed,
        traceHash,
        resultHash,
      })),
      command: request.command,
      facts: experiment.facts,
    },
    baseline,
    ...(random === undefined ? {} : { random }),
    seeds: experiment.seeds,
    metrics,
    primary: metrics[0]?.name ?? '',
    curves: curves.map(({ kind }) => kind),
    distributions: distributions.map(({ kind }) => kind),
    policies: names.map((name, i) => {
      const runs = experiment.runs.filter(({ policy }) => policy === name);
      return {
        name,
        outcomes: outcomes[i] ?? {},
        curves: Object.fromEntries(curves.map(({ kind, of }) => [kind.name, merged(runs, of)])),
        distributions: Object.fromEntries(
          distributions.map(({ kind, of }) => [kind.name, pooled(runs, experiment.arrivals, of)]),
        ),
      };
    }),
    bounds: request.bounds,
    decisionDiffs: diffsOf(experiment, baseline),
    tieBreaks: request.tieBreaks,
    notes: request.notes,
  };
}

/**
 * The metric that the experiment is about first, then those of the axis resource, of fragmentation and of
 * pods without a node, then the others in the experiment's order.
 */
export function metricsOf(experiment: ExperimentResult): readonly Metric[] {
  const primary = primaryName(experiment);
  const axis = experiment.runs[0]?.byShare.resource ?? 'cpu';
  const rankOf = ({ name }: MetricInfo): number => {
    if (name === primary) return 0;
    if (name === COMPACTION_METRIC) return 1;
    if (experiment.mode === 'queued') return 2;
    return name.endsWith(`.${axis}`) || /^(?:fragmentation|unplaced)/.test(name) ? 2 : 3;
  };
  return experiment.metrics
    .filter(({ name }) => experiment.runs.some((run) => run.metrics[name] != null))
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .map((metric) => ({ ...metric, title: titleOf(metric, experiment) }));
}

/** As a sentence, with resources as people call them. */
function titleOf({ title }: MetricInfo, { resources }: ExperimentResult): string {
  const words = title
    .split(' ')
    .map((word) => (resources.some(({ name }) => name === word) ? nameOf(word) : word))
    .join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Placed once: what is allocated at 100 % arrived, or at the end; queued: the mean completion time. */
function primaryName({ mode, metrics, runs }: ExperimentResult): string | undefined {
  const axis = runs[0]?.byShare.resource ?? 'cpu';
  const wishes =
    mode === 'once'
      ? [`allocationAtFull.${axis}`, `allocationAtEnd.${axis}`]
      : ['completionTime.mean', 'queueingDelay.mean', `allocationOverTime.${axis}`];
  return wishes.find(
    (wish) =>
      metrics.some(({ name }) => name === wish) && runs.every((run) => run.metrics[wish] != null),
  );
}

/** By its name: `random`, `gpu-random`. It is what the gap to the bound is counted from. */
export function isRandom(policy: string): boolean {
  return /(?:^|[^a-z])random$/i.test(policy);
}

interface CurveSource {
  readonly kind: CurveKind;
  readonly of: (run: RunResult) => Steps;
}

function curvesOf(experiment: ExperimentResult): readonly CurveSource[] {
  const axis = axisOf(experiment) ?? 0;
  const name = nameOf(experiment.resources[axis]?.name ?? '');
  if (experiment.mode === 'queued') return timeCurves(axis, name);
  const xTitle = `${name} asked for, % of the cluster`;
  const share = (values: (run: RunResult) => Float64Array | undefined) => (run: RunResult) =>
    steps(run.byShare.percent, values(run), 100);
  const hasGpus = experiment.runs.some(({ byShare }) => byShare.fragmentation.length > 0);
  return [
    {
      kind: {
        name: ALLOCATION_CURVE,
        title: `${name} allocated while pods arrive`,
        xTitle,
        yTitle: `${name} allocated, %`,
      },
      of: share(({ byShare }) => byShare.allocated[axis]),
    },
    ...(hasGpus
      ? [
          {
            kind: {
              name: 'fragmentation',
              title: 'GPUs that are idle, but of no use to the pods that come',
              xTitle,
              yTitle: 'of all GPUs, %',
            },
            of: share(({ byShare }) => byShare.fragmentationOfTotal),
          },
        ]
      : []),
  ];
}

const TIME_TITLE = 'time, hours';
const MS_PER_HOUR = 3_600_000;

function timeCurves(axis: number, name: string): readonly CurveSource[] {
  return [
    {
      kind: {
        name: ALLOCATION_CURVE,
        title: `${name} allocated over time`,
        xTitle: TIME_TITLE,
        yTitle: `${name} allocated, %`,
      },
      of: ({ byTime }) => overTime(byTime?.timeMs, byTime?.allocated[axis], 100),
    },
    {
      kind: { name: 'waiting', title: 'Pods that wait', xTitle: TIME_TITLE, yTitle: 'pods' },
      of: ({ byTime }) => overTime(byTime?.timeMs, byTime?.waiting, 1),
    },
  ];
}

function overTime(
  timeMs: Float64Array | undefined,
  values: ArrayLike<number> | undefined,
  factor: number,
): Steps {
  const { x, y } = steps(timeMs, values, factor);
  return { x: x.map((ms) => ms / MS_PER_HOUR), y };
}

/** Without the places that were not reached (NaN). */
function steps(
  places: ArrayLike<number> | undefined,
  values: ArrayLike<number> | undefined,
  factor: number,
): Steps {
  const x: number[] = [];
  const y: number[] = [];
  for (let i = 0; i < (places?.length ?? 0); i += 1) {
    const value = values?.[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    x.push(places?.[i] ?? 0);
    y.push(value * factor);
  }
  return { x, y };
}

/** Rounded, since a plot needs no more, and the report holds its data. */
function merged(runs: readonly RunResult[], of: (run: RunResult) => Steps): Curve {
  const { x, mean, sd } = mergeCurves(runs.map(of));
  return { x: x.map(rounded), mean: mean.map(rounded), sd: sd.map(rounded) };
}

interface DistributionSource {
  readonly kind: DistributionKind;
  /** NaN for pods that have none. */
  readonly of: (run: RunResult, arrivals: Arrivals, pod: number) => number;
}

const DISTRIBUTIONS: readonly DistributionSource[] = [
  {
    kind: { name: 'queueingDelay', title: 'Queueing delay', xTitle: 'seconds' },
    of: ({ outcomes }, { arrivalMs }, pod) =>
      (at(outcomes.firstStartMs, pod) - at(arrivalMs, pod)) / MS_PER_SECOND,
  },
  {
    kind: { name: 'completionTime', title: 'Completion time (JCT)', xTitle: 'seconds' },
    of: ({ outcomes }, { arrivalMs }, pod) =>
      (at(outcomes.endMs, pod) - at(arrivalMs, pod)) / MS_PER_SECOND,
  },
  {
    kind: { name: 'slowdown', title: 'Slowdown', xTitle: 'completion time / duration' },
    of: ({ outcomes }, { arrivalMs, durationMs }, pod) =>
      (at(outcomes.endMs, pod) - at(arrivalMs, pod)) / at(durationMs, pod),
  },
];

function pooled(
  runs: readonly RunResult[],
  arrivals: readonly Arrivals[],
  of: DistributionSource['of'],
) {
  const values = runs.flatMap((run) => {
    const own = arrivals.find(({ seed }) => seed === run.seed);
    if (own === undefined) return [];
    return Array.from(own.podClass, (_, pod) => of(run, own, pod)).filter(Number.isFinite);
  });
  return thinCdf(values, CDF_POINTS).map(({ value, part }) => ({
    value: rounded(value),
    part: rounded(part),
  }));
}

/** On the first seed. */
function diffsOf(experiment: ExperimentResult, baseline: string) {
  const seed = experiment.seeds[0];
  const arrivals = experiment.arrivals.find((one) => one.seed === seed);
  const runs = experiment.runs.filter((run) => run.seed === seed);
  const base = runs.find(({ policy }) => policy === baseline);
  if (arrivals === undefined || base === undefined) return [];
  return runs
    .filter((run) => run !== base)
    .map((run) => diffDecisions(run, base, arrivals, experiment.resources));
}

/** `skiff.dev/gpu-milli` is what people call GPU. */
function nameOf(resource: string): string {
  return resource.includes('gpu') ? 'GPU' : resource === 'cpu' ? 'CPU' : resource;
}

function at(list: ArrayLike<number>, index: number): number {
  return list[index] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
