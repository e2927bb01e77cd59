/**
 * What an experiment is: the file that `skiff sim run` reads, checked and with all defaults filled in.
 * docs/scheduling-lab.md has the form of the file. Times are milliseconds.
 */

import type { Taint } from '../../../proto/api/gen/core-v1.ts';
import type { PolicyParameters } from '../../../scheduler/policy/policy.ts';
import type { RunMode } from '../result/run-result.ts';

export interface Experiment {
  readonly name: string;
  readonly description: string;
  readonly mode: RunMode;
  readonly cluster: ClusterSpec;
  readonly workload: WorkloadSpec;
  readonly policies: readonly PolicySpec[];
  readonly seeds: readonly number[];
  readonly options: ExperimentOptions;
}

export interface ExperimentOptions {
  /** For policies that don't say; 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  /** For policies that don't say. */
  readonly tieBreak: 'first' | 'name' | 'random' | 'heap135';
  /** Nothing happens after this; infinite when not given. */
  readonly horizonMs: number;
}

export interface ClusterSpec {
  readonly sources: readonly NodeSource[];
  /** Nodes are named and listed in an order drawn by the seed: a tie by name favours none of them. */
  readonly shuffle: boolean;
  /** Absent: nodes don't fail. */
  readonly failures?: FailureSpec;
}

/** Exponential times; each node on its own. */
export interface FailureSpec {
  readonly meanBetweenMs: number;
  readonly meanRepairMs: number;
}

export type NodeSource =
  | GeneratedNodes
  /** `sn,cpu_milli,memory_mib,gpu,model` as openb's, or `name,cpu,memory,gpu,model,pods`. */
  | { readonly kind: 'csv'; readonly file: string }
  /** As `kubectl get nodes -o yaml` or `-o json` gives it. */
  | { readonly kind: 'objects'; readonly file: string }
  /** What `skiff sim record` wrote: the nodes, and what becomes of them. */
  | { readonly kind: 'recording'; readonly file: string }
  /** The nodes of a running cluster, as they are when the experiment starts. */
  | { readonly kind: 'kubeconfig'; readonly file: string };

export interface GeneratedNodes {
  readonly kind: 'generated';
  readonly count: number;
  /** Nodes are NAME-0000, NAME-0001, …. */
  readonly name: string;
  /** Quantities by resource name. */
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

export interface WorkloadSpec {
  readonly sources: readonly PodSource[];
  /** Pods come in an order drawn by the seed. */
  readonly shuffle: boolean;
  /** Drawn copies are added until so many times the capacity is asked for; 0: none. */
  readonly inflate: number;
}

export type PodSource =
  /** What `skiff sim record` wrote. Pods that were there want their nodes: with its nodes only. */
  | { readonly kind: 'recording'; readonly file: string }
  | {
      readonly kind: 'trace';
      readonly file: string;
      /** Arrivals and durations in the file times this. */
      readonly timeScale: number;
      /** No more than this many rows from the start; infinite when not given. */
      readonly limit: number;
    }
  | {
      readonly kind: 'manifests';
      readonly files: readonly string[];
      readonly atMs: number;
      readonly durationMs: number;
    }
  | GeneratedPods;

export interface GeneratedPods {
  readonly kind: 'generated';
  readonly name: string;
  readonly pods: number;
  readonly arrivals: ArrivalProcess;
  readonly classes: readonly PodClassSpec[];
}

/** How pods come; `perHour` is the mean rate. */
export type ArrivalProcess =
  | { readonly kind: 'at-once' }
  | { readonly kind: 'poisson'; readonly perHour: number }
  /** Groups of about `burst` pods within a minute, the groups at random times. */
  | { readonly kind: 'bursty'; readonly perHour: number; readonly burst: number }
  /** The rate goes up and down as a sine with this ratio of its highest to its lowest. */
  | {
      readonly kind: 'diurnal';
      readonly perHour: number;
      readonly peakToTrough: number;
      readonly periodMs: number;
    }
  /** Times between pods are of a Pareto distribution with this exponent, above 1. */
  | { readonly kind: 'heavy-tailed'; readonly perHour: number; readonly alpha: number };

export interface PodClassSpec {
  /** How often it is drawn, against the others. */
  readonly weight: number;
  readonly requests: Readonly<Record<string, string>>;
  readonly duration: Distribution;
  readonly priority: number;
  readonly tenant: string;
  /** Pods that come together and run all or none; 1: each on its own. */
  readonly gang: number;
  readonly gpuModels: readonly string[];
}

/** Of times, in milliseconds. */
export type Distribution =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'exponential'; readonly mean: number }
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number }
  | {
      readonly kind: 'pareto';
      readonly min: number;
      readonly alpha: number;
      /** Infinite when not given. */
      readonly max: number;
    }
  | { readonly kind: 'uniform'; readonly min: number; readonly max: number };

export type PolicySpec = {
  /** Unique in the experiment. */
  readonly name: string;
  readonly description: string;
} & (
  | { readonly kind: 'file'; readonly file: string; readonly parameters: ParameterSpec }
  | { readonly kind: 'profile'; readonly file: string; readonly profile?: string }
  | { readonly kind: 'default' }
);

/** A value, or what is worked out from the workload. */
export interface ParameterSpec {
  readonly values: PolicyParameters;
  /** Parameters that get the typical pods of the workload, as a text. */
  readonly typicalPods: readonly string[];
}
