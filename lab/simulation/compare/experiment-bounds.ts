/**
 * The bounds of an experiment: for pods placed once, the most of the axis resource that any policy could
 * have allocated when as much was asked for as there is; for queued runs, the least makespan and mean
 * completion time. Worked out for each seed, from its arrivals alone.
 */

import { nodesNeeded } from '../bounds/nodes-needed.ts';
import {
  GPU_MILLI,
  type NodeKind,
  type PodClass,
  placementBound,
} from '../bounds/placement-bound.ts';
import { makespanBound, meanJctBound, type TimedJob } from '../bounds/time-bounds.ts';
import type { Arrivals, ExperimentResult } from '../result/run-result.ts';
import { mean, standardDeviation } from '../statistics/summary.ts';
import { COMPACTION_METRIC, COMPACTION_SEEDS } from './compaction.ts';
import type { Bound } from './comparison.ts';

/** The curve that shows the allocation of the axis resource, and the metric of it at 100 %. */
export const ALLOCATION_CURVE = 'allocation';

/** Where on the axis, in percent, the bound's curve is worked out, for the first seed. */
const CURVE_PERCENT = [80, 85, 90, 95, 100, 105, 110, 120, 130, 150, 200];

/** Also says what could not be worked out. */
export interface ExperimentBounds {
  readonly bounds: readonly Bound[];
  readonly notes: readonly string[];
}

export async function experimentBounds(
  experiment: ExperimentResult,
  onStep: () => void = () => undefined,
): Promise<ExperimentBounds> {
  if (experiment.mode === 'queued') return timeBounds(experiment);
  try {
    return await allocationBounds(experiment, onStep);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { bounds: [], notes: [`There is no bound: ${error.message}.`] };
  }
}

async function allocationBounds(
  experiment: ExperimentResult,
  onStep: () => void,
): Promise<ExperimentBounds> {
  const axis = axisOf(experiment);
  if (axis === undefined) return { bounds: [], notes: [] };
  const most = async (arrivals: Arrivals, pods: number): Promise<number> => {
    const worth = arrivals.podClasses.map(({ requests }) => at(requests, axis));
    const classes = podClassesOf(arrivals, pods, experiment);
    const { bound } = await placementBound(nodeKindsOf(arrivals, experiment), classes.list, (pod) =>
      at(worth, classes.indexOf(pod)),
    );
    onStep();
    return (100 * bound) / totalCapacity(arrivals, axis);
  };
  const { arrivals: seeds, resources } = experiment;
  const isFull = seeds.every((arrivals) => arrivedBy(arrivals, axis, 100) !== undefined);
  const values: number[] = [];
  for (const arrivals of seeds) {
    const pods = isFull ? arrivedBy(arrivals, axis, 100) : undefined;
    values.push(await most(arrivals, pods ?? arrivals.podNames.length));
  }
  const x: number[] = [];
  const y: number[] = [];
  for (const arrivals of seeds.slice(0, 1)) {
    for (const percent of CURVE_PERCENT) {
      const pods = arrivedBy(arrivals, axis, percent);
      if (pods === undefined) break;
      const value = isFull && percent === 100 ? values[0] : await most(arrivals, pods);
      x.push(percent);
      y.push(value ?? Number.NaN);
    }
    x.push(askedPercent(arrivals, axis));
    y.push(await most(arrivals, arrivals.podNames.length));
  }
  const bound: Bound = {
    metric: `${isFull ? 'allocationAtFull' : 'allocationAtEnd'}.${resources[axis]?.name ?? ''}`,
    values,
    mean: mean(values),
    sd: standardDeviation(values),
    how: 'linear program over kinds of nodes and classes of pods (HiGHS), with dual-feasible functions of what pods take of a node and of a GPU; it sees all arrivals at once',
    ...(x.length > 1 ? { curve: { name: ALLOCATION_CURVE, x, y } } : {}),
  };
  return { bounds: [bound], notes: [] };
}

/** No cell compaction can go below it, of the seeds that were compacted. */
export function compactionBound(experiment: ExperimentResult, percent: number): readonly Bound[] {
  const axis = axisOf(experiment);
  if (axis === undefined) return [];
  const values = experiment.arrivals.map((arrivals, i) => {
    if (i >= COMPACTION_SEEDS) return null;
    const pods = arrivedBy(arrivals, axis, percent) ?? arrivals.podNames.length;
    const { list } = podClassesOf(arrivals, pods, experiment);
    return nodesNeeded(nodeKindsOf(arrivals, experiment), list) ?? null;
  });
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return [];
  return [
    {
      metric: COMPACTION_METRIC,
      values,
      mean: mean(known),
      sd: standardDeviation(known),
      how: 'for each resource the volume on the largest nodes, Martello and Toth, and dual-feasible functions; which nodes are taken away is not known to it',
    },
  ];
}

function totalCapacity({ nodeKinds }: Arrivals, axis: number): number {
  return nodeKinds.reduce((sum, kind) => sum + kind.count * at(kind.capacity, axis), 0);
}

/** Index of the resource that the share axis counts. */
export function axisOf(experiment: ExperimentResult): number | undefined {
  const name = experiment.runs[0]?.byShare.resource;
  const index = experiment.resources.findIndex((resource) => resource.name === name);
  return index < 0 ? undefined : index;
}

/** What all pods ask for, in percent of the capacity. */
function askedPercent(arrivals: Arrivals, axis: number): number {
  let asked = 0;
  for (const podClass of arrivals.podClass) {
    asked += at(arrivals.podClasses[podClass]?.requests ?? [], axis);
  }
  return (100 * asked) / totalCapacity(arrivals, axis);
}

/** How many pods have arrived when they first ask for so much; undefined when they never do. */
function arrivedBy(arrivals: Arrivals, axis: number, percent: number): number | undefined {
  const capacity = totalCapacity(arrivals, axis);
  let asked = 0;
  for (const [pod, podClass] of arrivals.podClass.entries()) {
    asked += at(arrivals.podClasses[podClass]?.requests ?? [], axis);
    if (asked * 100 >= capacity * percent) return pod + 1;
  }
  return undefined;
}

function nodeKindsOf(arrivals: Arrivals, { resources }: ExperimentResult): readonly NodeKind[] {
  return arrivals.nodeKinds.map(({ count, capacity, gpus, gpuModel }) => ({
    count,
    capacity: Object.fromEntries(resources.map(({ name }, i) => [name, at(capacity, i)])),
    gpus,
    labels: { gpuModel },
  }));
}

/** The classes of the first so many pods. */
function podClassesOf(arrivals: Arrivals, pods: number, { resources }: ExperimentResult) {
  const counts = new Map<number, number>();
  for (const podClass of arrivals.podClass.subarray(0, pods)) {
    counts.set(podClass, (counts.get(podClass) ?? 0) + 1);
  }
  const indexes = new Map<PodClass, number>();
  for (const [index, count] of counts) {
    const info = arrivals.podClasses[index];
    if (info === undefined) continue;
    const { gpu, gpuModels, requests } = info;
    const podClass: PodClass = {
      count,
      requests: Object.fromEntries(resources.map(({ name }, i) => [name, at(requests, i)])),
      gpu: { count: gpu.count, milli: gpu.count > 1 ? GPU_MILLI : gpu.milli },
      mayUse: ({ labels }) => gpuModels.length === 0 || gpuModels.includes(labels.gpuModel ?? ''),
    };
    indexes.set(podClass, index);
  }
  return { list: [...indexes.keys()], indexOf: (pod: PodClass): number => indexes.get(pod) ?? -1 };
}

/** Of seeds in which every pod was done under every policy; else the means are not of the same pods. */
function timeBounds(experiment: ExperimentResult): ExperimentBounds {
  const isDone = experiment.arrivals.map(({ seed }) =>
    experiment.runs
      .filter((run) => run.seed === seed)
      .every((run) => run.outcomes.endMs.every((end) => Number.isFinite(end))),
  );
  const valuesOf = (bound: typeof makespanBound): readonly (number | null)[] =>
    experiment.arrivals.map((arrivals, i) =>
      isDone[i] === true
        ? bound(jobsOf(arrivals, experiment), capacityOf(arrivals, experiment)) / 1000
        : null,
    );
  const bounds = [
    {
      metric: 'makespan',
      values: valuesOf(makespanBound),
      how: 'work by capacity of each resource from every arrival on, and the longest pod',
    },
    {
      metric: 'completionTime.mean',
      values: valuesOf(meanJctBound),
      how: 'shortest remaining time first, on one machine with all of the capacity',
    },
  ].flatMap((bound) => {
    const known = bound.values.filter((value) => value !== null);
    if (known.length === 0) return [];
    return [{ ...bound, mean: mean(known), sd: standardDeviation(known) }];
  });
  const notes =
    bounds.length > 0 ? [] : ['There is no bound: not all pods were done under every policy.'];
  return { bounds, notes };
}

function jobsOf(arrivals: Arrivals, { resources }: ExperimentResult): readonly TimedJob[] {
  return Array.from(arrivals.podClass, (podClass, pod) => {
    const requests = arrivals.podClasses[podClass]?.requests ?? [];
    return {
      arrival: arrivals.arrivalMs[pod] ?? 0,
      duration: arrivals.durationMs[pod] ?? 0,
      requests: Object.fromEntries(resources.map(({ name }, i) => [name, at(requests, i)])),
    };
  });
}

function capacityOf(
  { nodeKinds }: Arrivals,
  { resources }: ExperimentResult,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    resources.map(({ name }, i) => [
      name,
      nodeKinds.reduce((sum, kind) => sum + kind.count * at(kind.capacity, i), 0),
    ]),
  );
}

function at(list: readonly number[], index: number): number {
  return list[index] ?? 0;
}
