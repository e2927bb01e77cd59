/**
 * What `skiff sim compare` finds, as plain data: the JSON output is this, and the table, the CSV and the
 * HTML report show nothing that is not in it.
 */

import type { CdfPoint } from '../statistics/summary.ts';

export interface Comparison {
  readonly kind: 'SkiffComparison';
  readonly formatVersion: 1;
  readonly title: string;
  readonly description: string;
  readonly provenance: Provenance;
  /** The policy that the others are set against. */
  readonly baseline: string;
  /** The policy from which `gap closed` counts: it places at random. */
  readonly random?: string;
  readonly seeds: readonly number[];
  readonly metrics: readonly Metric[];
  /** The metric that the experiment is about: the first to be shown. */
  readonly primary: string;
  readonly curves: readonly CurveKind[];
  readonly distributions: readonly DistributionKind[];
  /** In the order asked for; the baseline is one of them. */
  readonly policies: readonly PolicyOutcome[];
  readonly bounds: readonly Bound[];
  readonly decisionDiffs: readonly DecisionDiff[];
  readonly tieBreaks: readonly TieBreakOutcome[];
  /** What was not worked out, and why; a sentence each. */
  readonly notes: readonly string[];
}

/** What it takes to repeat it, and to see that it was repeated. Hashes are SHA-256, in hex. */
export interface Provenance {
  readonly skiffVersion: string;
  /** Of all arrivals, of every seed. */
  readonly traceHash: string;
  /** Of cluster, workload, policies and seeds. */
  readonly configHash: string;
  /** Of the results of every run. */
  readonly resultHash: string;
  readonly runs: readonly RunIdentity[];
  /** The command that gives the same. */
  readonly command: string;
  /** What the cluster and the arrivals are, a line each. */
  readonly facts: readonly (readonly [string, string])[];
}

export interface RunIdentity {
  readonly policy: string;
  readonly seed: number;
  readonly traceHash: string;
  readonly resultHash: string;
}

export interface Metric {
  readonly name: string;
  readonly title: string;
  /** Such as `%`, `s` or ``; differences of `%` are in points. */
  readonly unit: string;
  readonly better: 'higher' | 'lower' | 'neither';
  /** Digits after the point that are worth showing. */
  readonly digits: number;
}

/** What the curves of a name show. */
export interface CurveKind {
  readonly name: string;
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
}

/** What the distributions of a name are of: one value a pod, all seeds together. */
export interface DistributionKind {
  readonly name: string;
  readonly title: string;
  readonly xTitle: string;
}

export interface PolicyOutcome {
  readonly name: string;
  readonly outcomes: Readonly<Record<string, MetricOutcome>>;
  readonly curves: Readonly<Record<string, Curve>>;
  readonly distributions: Readonly<Record<string, readonly CdfPoint[]>>;
}

export interface MetricOutcome {
  /** One a seed, in the order of the seeds; null where a run has no such number. */
  readonly values: readonly (number | null)[];
  readonly mean: number | null;
  readonly sd: number | null;
  /** To the baseline; absent for the baseline. */
  readonly difference?: PairedDifference;
  /** (policy - random)/(bound - random); absent without a bound. */
  readonly gapClosed?: number;
}

export interface PairedDifference {
  /** Seeds of which both have a number. */
  readonly pairs: number;
  readonly mean: number;
  /** The 95 % bootstrap interval (BCa); null of one pair. */
  readonly low: number | null;
  readonly high: number | null;
  /** Wilcoxon's signed-rank test, two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
  /** The same p when as many tests as there are other policies are looked at together (Holm). */
  readonly pHolm: number;
  /** On how many seeds it is above and below the baseline. */
  readonly above: number;
  readonly below: number;
}

/** A quantity along an axis that all policies share; the mean over the seeds and its deviation. */
export interface Curve {
  readonly x: readonly number[];
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

export interface Bound {
  readonly metric: string;
  /** One a seed; null where it could not be worked out. */
  readonly values: readonly (number | null)[];
  readonly mean: number;
  readonly sd: number;
  /** How it was found, in a sentence. */
  readonly how: string;
  /** The bound along the axis of the metric's curve, when there is one. */
  readonly curve?: BoundCurve;
}

export interface BoundCurve {
  /** Of the curves, such as `allocation`. */
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How two policies part, on one seed. */
export interface DecisionDiff {
  readonly policy: string;
  readonly baseline: string;
  readonly seed: number;
  /** Decisions made by both. */
  readonly decisions: number;
  readonly different: number;
  /** Placed by the policy, not by the baseline; and the other way round. */
  readonly placedHereOnly: number;
  readonly placedThereOnly: number;
  readonly first?: FirstDifference;
}

export interface FirstDifference {
  /** Of the decision, from 0. */
  readonly index: number;
  readonly pod: string;
  /** What the pod asks for. */
  readonly podText: string;
  /** The policy's choice, then the baseline's. */
  readonly sides: readonly [Choice, Choice];
  /** Why, in a sentence or two. */
  readonly reason: string;
}

/** What one policy did with a pod. */
export interface Choice {
  readonly policy: string;
  /** Absent when it placed the pod nowhere. */
  readonly node?: string;
  /** Weighted points of that node, by score plugin; empty when nothing was scored. */
  readonly points: readonly PluginPoints[];
  /** What the same policy gave to the node that the other took; absent where it did not fit, or nobody asked. */
  readonly rivalPoints?: readonly PluginPoints[];
  /** Nodes that fitted. */
  readonly feasible: number;
  /** Nodes that shared the highest total. */
  readonly ties: number;
  /** How far the total is above the best other node's; null when nothing was scored. */
  readonly margin: number | null;
}

export interface PluginPoints {
  readonly plugin: string;
  readonly points: number;
}

/** What becomes of a policy when equal totals are broken in other ways. */
export interface TieBreakOutcome {
  readonly policy: string;
  readonly metric: string;
  readonly results: readonly {
    readonly tieBreak: string;
    readonly mean: number;
    readonly sd: number;
    /** Part (0 to 1) of the decisions that had more than one best node. */
    readonly tiedShare: number | null;
  }[];
}
