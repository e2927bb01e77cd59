/**
 * What `skiff sim run` finds, as plain data: an experiment is every policy on every seed. What the
 * policies share (the cluster and the arrivals of a seed) is held once; one run holds what one policy
 * did with them. Rows are typed arrays, since ten seeds of six policies with ten thousand pods are kept.
 *
 * Times are milliseconds of the run's own clock, which begins at 0. Hashes are SHA-256, in hex. The
 * same inputs, seed and code give the same bytes everywhere but in {@link Measured}.
 */

import type { MetricInfo, MetricValues } from './metrics.ts';

export interface ExperimentResult {
  readonly kind: 'SkiffExperiment';
  readonly formatVersion: 1;
  readonly name: string;
  readonly description: string;
  readonly mode: RunMode;
  /** Of policies that say nothing of ties. */
  readonly tieBreak: string;
  /** The package's version, and of the sources that decide: `0.1.0+src.1a2b3c4d5e6f`. */
  readonly codeVersion: string;
  /** Of the experiment as it was read: cluster, workload, policies with their files, options. */
  readonly configHash: string;
  /** Of the result hashes of all runs, in their order. */
  readonly resultHash: string;
  /** In this order wherever something is held for each resource. */
  readonly resources: readonly ResourceInfo[];
  readonly policies: readonly PolicyInfo[];
  readonly seeds: readonly number[];
  /** One a seed, in the order of `seeds`. */
  readonly arrivals: readonly Arrivals[];
  /** All seeds of the first policy, then of the second, and so on. */
  readonly runs: readonly RunResult[];
  /** What the values of {@link RunResult.metrics} are, in the order worth showing. */
  readonly metrics: readonly MetricInfo[];
  /** What the cluster and the arrivals are, for a reader: name and value. */
  readonly facts: readonly (readonly [string, string])[];
}

/**
 * `once`: pods are tried one time each, in order, and dropped when no node fits; time stands still.
 * `queued`: the scheduler's own queue with back-off and events, on the virtual clock.
 */
export type RunMode = 'once' | 'queued';

export interface ResourceInfo {
  /** As in the API: `cpu`, `memory`, `skiff.dev/gpu-milli`. */
  readonly name: string;
  /** Of one unit of the amounts here: thousandths of a core, bytes, or the resource's own. */
  readonly unit: 'milli' | 'bytes' | 'units';
}

export interface PolicyInfo {
  readonly name: string;
  readonly description: string;
  /** Of its file, or of its profile. */
  readonly hash: string;
}

/** The cluster and the pods that come, of one seed: what every policy is given. */
export interface Arrivals {
  readonly seed: number;
  /** Of everything in here, and of node failures. */
  readonly traceHash: string;
  readonly nodeNames: readonly string[];
  readonly nodeKinds: readonly NodeKindInfo[];
  /** Index into `nodeKinds`, by node. */
  readonly nodeKind: Uint32Array;
  /** In the order of arrival; pods are meant by their index everywhere else. */
  readonly podNames: readonly string[];
  readonly podClasses: readonly PodClassInfo[];
  /** Index into `podClasses`, by pod. */
  readonly podClass: Uint32Array;
  readonly arrivalMs: Float64Array;
  /** How long it runs once it has started; infinite when it never ends. */
  readonly durationMs: Float64Array;
  /** Index into `gangs`; -1 when it is of none. */
  readonly gang: Int32Array;
  readonly gangs: readonly GangInfo[];
}

/** Nodes with the same resources, labels and taints. */
export interface NodeKindInfo {
  readonly count: number;
  /** In the order of the experiment's resources. */
  readonly capacity: readonly number[];
  /** Devices; each can be shared by thousandths. 0 without GPUs. */
  readonly gpus: number;
  /** `` without GPUs. */
  readonly gpuModel: string;
}

/** Pods with the same spec. */
export interface PodClassInfo {
  /** In the order of the experiment's resources: what filters count. */
  readonly requests: readonly number[];
  /** `count` devices (whole ones when more than one) of which `milli` thousandths each are wanted. */
  readonly gpu: { readonly count: number; readonly milli: number };
  /** Models of GPU that will do; empty: any. */
  readonly gpuModels: readonly string[];
  readonly priority: number;
  /** Who shares the cluster with others: the namespace. */
  readonly tenant: string;
}

/** Pods that run all together or not at all. */
export interface GangInfo {
  readonly name: string;
  /** How many members must have a node before any starts. */
  readonly minCount: number;
}

export interface RunResult {
  readonly policy: string;
  readonly seed: number;
  readonly traceHash: string;
  /** Of the policy with its parameters, and the options that it ran with. */
  readonly configHash: string;
  /** Of everything below but `measured`. */
  readonly resultHash: string;
  readonly decisions: DecisionLog;
  readonly outcomes: PodOutcomes;
  readonly byShare: ShareSeries;
  /** Absent in mode `once`, where time stands still. */
  readonly byTime?: TimeSeries;
  /** By the names of the experiment's `metrics`; null where a run has no such number. */
  readonly metrics: MetricValues;
  readonly measured: Measured;
}

/** One row for each attempt, in the order made; a pod that waits has several. */
export interface DecisionLog {
  readonly timeMs: Float64Array;
  /** Index of the pod. */
  readonly pod: Uint32Array;
  /** Index of the node; {@link NO_NODE} when none fitted, or a later step objected. */
  readonly node: Int32Array;
  /** Nodes that Filter was asked about. */
  readonly evaluated: Uint32Array;
  /** Nodes that fitted. */
  readonly feasible: Uint32Array;
  /** Nodes with the highest total: above 1 the tie-break decided. 0 when nothing was scored. */
  readonly ties: Uint32Array;
  /** By how much the winner's total exceeds the best other node's; 0 with a tie, NaN unscored. */
  readonly margin: Float64Array;
  /** Names of the score plugins, in the profile's order. */
  readonly plugins: readonly string[];
  /** Weighted points of the winner, by plugin in that order; NaN when it had no say. */
  readonly points: readonly Float32Array[];
}

export const NO_NODE = -1;

/** One row for each pod, as it stands at the end of the run. */
export interface PodOutcomes {
  /** Index of the node that it is or was last on; {@link NO_NODE} when it never had one. */
  readonly node: Int32Array;
  /** When it got its first node; NaN when never. */
  readonly firstStartMs: Float64Array;
  /** When its work was done; NaN when it wasn't. */
  readonly endMs: Float64Array;
  readonly attempts: Uint32Array;
  /** How often it was preempted. */
  readonly preempted: Uint32Array;
  /** How often its node failed under it. */
  readonly failed: Uint32Array;
  /** Time that it had run when it was preempted or its node failed: done again from the start. */
  readonly lostMs: Float64Array;
}

/**
 * State of the cluster when pods that ask for so many percent of the capacity of one resource have
 * arrived. `x[i]` is i whole percent; a value is the first state at or after it, NaN when not reached.
 */
export interface ShareSeries {
  /** The resource of the axis: the GPUs of a cluster that has some, else the CPU. */
  readonly resource: string;
  readonly percent: Uint32Array;
  /** Allocated part of each resource, 0 to 1, in the order of the experiment's resources. */
  readonly allocated: readonly Float64Array[];
  /** Σ F / Σ idle GPU, 0 to 1; see fragmentation.ts. Empty in clusters without GPUs. */
  readonly fragmentation: Float64Array;
  /** Σ F / all GPU, 0 to 1. */
  readonly fragmentationOfTotal: Float64Array;
  /** Part (0 to 1) of the pods arrived that were turned down, or wait. */
  readonly unplaced: Float64Array;
}

/** A step function: the values at `timeMs[i]` hold until `timeMs[i + 1]`. At most 1,001 points. */
export interface TimeSeries {
  readonly timeMs: Float64Array;
  /** Allocated part of each resource, 0 to 1, in the order of the experiment's resources. */
  readonly allocated: readonly Float64Array[];
  readonly running: Uint32Array;
  readonly waiting: Uint32Array;
}

/** What depends on the machine; in no hash. */
export interface Measured {
  /** Of the run alone, on one core. */
  readonly wallMs: number;
  readonly decisionsPerSecond: number;
}
