/**
 * Runs a recording again under a policy: what would have happened, beside what did. Pods that had their
 * node before the recording get it again; all others are decided anew, when they came. Pods on a node
 * that goes end with it: what replaced them is in the recording.
 */

import type { Clock } from '../../../base/clock.ts';
import { type Preference, preferenceOf } from '../compare/preference.ts';
import type { Experiment, ExperimentOptions, PolicySpec } from '../experiment/experiment.ts';
import { NO_NODE, type RunResult } from '../result/run-result.ts';
import { RunMaker } from '../run/run-plan.ts';
import { inputsOf } from './recorded-inputs.ts';
import type { RecordedPod, Recording } from './recording.ts';

export interface ReplayOptions {
  readonly policy: PolicySpec;
  readonly tieBreak: ExperimentOptions['tieBreak'];
  readonly seed: number;
}

/** What happened on one side. */
export interface ReplaySide {
  /** Pods that got a node. */
  readonly placed: number;
  /** From coming to having a node, of those that got one, in milliseconds. */
  readonly waitsMs: readonly number[];
  /** Nodes that got a pod. */
  readonly nodes: number;
}

/** A pod that would have gone elsewhere. */
export interface ReplayDifference {
  readonly pod: string;
  /** Absent: it got no node. */
  readonly live?: string;
  readonly replay?: string;
  /** Why the replay preferred its node to the other. */
  readonly because: Preference;
}

export interface Replay {
  readonly policy: string;
  readonly seed: number;
  readonly tieBreak: string;
  /** Pods that came during the recording; the others were there. */
  readonly pods: number;
  readonly wereThere: number;
  readonly live: ReplaySide;
  readonly replay: ReplaySide;
  readonly preempted: number;
  readonly differences: readonly ReplayDifference[];
  readonly resultHash: string;
}

/** Throws an Error of one line when the policy is at fault. */
export async function replay(
  recording: Recording,
  options: ReplayOptions,
  stopwatch: Pick<Clock, 'monotonicMs'>,
): Promise<Replay> {
  const inputs = inputsOf(recording);
  const experiment: Experiment = {
    name: 'replay',
    description: '',
    mode: 'queued',
    cluster: { sources: [], shuffle: false },
    workload: { sources: [], shuffle: false, inflate: 0 },
    policies: [options.policy],
    seeds: [options.seed],
    options: {
      percentageOfNodesToScore: 0,
      tieBreak: options.tieBreak,
      horizonMs: Number.POSITIVE_INFINITY,
    },
  };
  const maker = new RunMaker(experiment, inputs, stopwatch);
  const { arrivals } = maker.scenario(options.seed);
  // The scenario's pods are the recording's in their order: rows are sorted by arrival, and stably.
  const ordered = recording.pods.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  const reasons = new Map<number, Preference>();
  const run = await maker.make({ policy: 0, seed: 0 }, (_row, pod, decision) => {
    const live = ordered[pod]?.node;
    const chosen = decision.kind === 'node' ? decision.nodeName : undefined;
    if (live !== undefined && chosen !== live) reasons.set(pod, preferenceOf(decision, live));
    return undefined;
  });
  const differences = ordered.flatMap((one, pod): readonly ReplayDifference[] => {
    const index = run.outcomes.node[pod] ?? NO_NODE;
    const node = index === NO_NODE ? undefined : arrivals.nodeNames[index];
    if (one.isPlaced || node === one.node) return [];
    return [
      {
        pod: one.name,
        ...(one.node === undefined ? {} : { live: one.node }),
        ...(node === undefined ? {} : { replay: node }),
        because: reasons.get(pod) ?? { kind: 'unfit' },
      },
    ];
  });
  const came = ordered.filter(({ isPlaced }) => !isPlaced);
  return {
    policy: options.policy.name,
    seed: options.seed,
    tieBreak: options.tieBreak,
    pods: came.length,
    wereThere: ordered.length - came.length,
    live: liveSide(came),
    replay: replaySide(ordered, run),
    preempted: run.outcomes.preempted.reduce((sum, times) => sum + times, 0),
    differences,
    resultHash: run.resultHash,
  };
}

function liveSide(came: readonly RecordedPod[]): ReplaySide {
  const placed = came.filter(({ node }) => node !== undefined);
  return {
    placed: placed.length,
    waitsMs: placed.map(({ arrivalMs, boundMs = arrivalMs }) => boundMs - arrivalMs),
    nodes: new Set(placed.map(({ node }) => node)).size,
  };
}

function replaySide(ordered: readonly RecordedPod[], { outcomes }: RunResult): ReplaySide {
  const waitsMs: number[] = [];
  const nodes = new Set<number>();
  for (const [pod, { isPlaced, arrivalMs }] of ordered.entries()) {
    const startMs = outcomes.firstStartMs[pod] ?? Number.NaN;
    if (isPlaced || Number.isNaN(startMs)) continue;
    waitsMs.push(startMs - arrivalMs);
    nodes.add(outcomes.node[pod] ?? NO_NODE);
  }
  return { placed: waitsMs.length, waitsMs, nodes: nodes.size };
}
