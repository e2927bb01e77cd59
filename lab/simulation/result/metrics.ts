/**
 * The metrics of a run: their names, units, and which way is better. One number each, so that runs can
 * be set side by side: the outcome, the cost to others, fairness, and the scheduler itself.
 */

export interface MetricInfo {
  /** The key in the values of a run. */
  readonly name: string;
  readonly title: string;
  /** Parts are given in `%`; times in `s`; `` for plain numbers. */
  readonly unit: '%' | 's' | '';
  readonly better: 'higher' | 'lower' | 'neither';
  /** Digits after the point that are worth showing. */
  readonly digits: number;
}

/** Null where a run has no such number: no pod has ended, the cluster has no GPU. */
export type MetricValues = Readonly<Record<string, number | null>>;

/** Distribution over pods: mean and percentiles of {@link DISTRIBUTIONS}, as `NAME.mean`, `NAME.p50`. */
export const DISTRIBUTION_PARTS = ['mean', 'p50', 'p95', 'p99'] as const;

interface DistributionInfo {
  readonly name: string;
  readonly title: string;
  readonly unit: 's' | '';
}

/**
 * Queueing delay: from arrival to the first node. Completion time (JCT): from arrival to the end of its
 * work. Slowdown: completion time / duration.
 */
const DISTRIBUTIONS: readonly DistributionInfo[] = [
  { name: 'queueingDelay', title: 'queueing delay', unit: 's' },
  { name: 'completionTime', title: 'completion time', unit: 's' },
  { name: 'slowdown', title: 'slowdown', unit: '' },
];

/** Which metrics a run has, for these resources. */
export function metricsFor(options: {
  /** `cpu`, `memory` and extended resources. */
  readonly resources: readonly string[];
  readonly isQueued: boolean;
  readonly hasGpus: boolean;
}): readonly MetricInfo[] {
  const { resources, isQueued, hasGpus } = options;
  const allocation = (kind: string, title: string): MetricInfo[] =>
    resources.map((name) => higher(`${kind}.${name}`, `${name} ${title}`));
  return [
    // When the arrived requests for the axis resource (byShare.resource) reach the whole capacity.
    ...(isQueued ? [] : allocation('allocationAtFull', 'allocated at 100 % arrived')),
    // The area under the curve, over the time in which pods arrive.
    ...(isQueued ? allocation('allocationOverTime', 'allocated over time') : []),
    ...allocation('allocationAtEnd', 'allocated at the end'),
    lower('unplacedShare', 'pods without a node at the end', '%'),
    ...(hasGpus ? GPU_METRICS : []),
    // Free share of a resource on nodes where another resource is full to less than the smallest request.
    ...resources.map((name) => lower(`stranded.${name}`, `${name} stranded at the end`, '%')),
    ...(isQueued ? QUEUED_METRICS : []),
    ...SCHEDULER_METRICS,
  ];
}

const GPU_METRICS: readonly MetricInfo[] = [
  lower('fragmentationAt90', 'GPU fragmentation of idle GPUs at 90 % arrived', '%'),
  lower('fragmentationOfTotalAtFull', 'GPU fragmentation of all GPUs at 100 % arrived', '%'),
];

const QUEUED_METRICS: readonly MetricInfo[] = [
  ...DISTRIBUTIONS.flatMap(({ name, title, unit }) =>
    DISTRIBUTION_PARTS.map((part) => lower(`${name}.${part}`, `${title}, ${part}`, unit)),
  ),
  // From the first arrival to the last end; null when not all pods ended.
  lower('makespan', 'makespan', 's'),
  lower('preemptions', 'pods preempted', ''),
  lower('nodeFailures', 'pods whose node failed', ''),
  // Time run for nothing, in part of all time run.
  lower('wastedWork', 'work lost', '%'),
  // Jain's index over the tenants' mean slowdowns, and over their time-weighted dominant shares.
  {
    name: 'jainSlowdown',
    title: "Jain's index of slowdown",
    unit: '',
    better: 'higher',
    digits: 3,
  },
  {
    name: 'jainDominantShare',
    title: "Jain's index of dominant share",
    unit: '',
    better: 'higher',
    digits: 3,
  },
];

const SCHEDULER_METRICS: readonly MetricInfo[] = [
  {
    name: 'attemptsPerPod',
    title: 'attempts per pod',
    unit: '',
    better: 'lower',
    digits: 2,
  },
  {
    name: 'nodesEvaluated',
    title: 'nodes looked at per attempt',
    unit: '',
    better: 'neither',
    digits: 0,
  },
  // Of the attempts that were scored.
  {
    name: 'decidedByTieBreak',
    title: 'decided by the tie-break',
    unit: '%',
    better: 'neither',
    digits: 1,
  },
];

function higher(name: string, title: string): MetricInfo {
  return { name, title, unit: '%', better: 'higher', digits: 2 };
}

function lower(name: string, title: string, unit: '%' | 's' | ''): MetricInfo {
  return { name, title, unit, better: 'lower', digits: 2 };
}
