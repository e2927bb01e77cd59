/**
 * Runs a recording again under a policy: what would have happened, beside what did. Pods that had their
 * node before the recording get it again; all others are decided anew, when they came. Pods on a node
 * that goes end with it: what replaced them is in the recording.
 */

import type { Clock } from '../../../base/clock.ts';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { type Preference, preferenceOf } from '../compare/preference.ts';
import type { NodeChange, PodTemplate } from '../engine/scenario.ts';
import type { Experiment, ExperimentOptions, PolicySpec } from '../experiment/experiment.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';
import { NO_NODE, type RunResult } from '../result/run-result.ts';
import { RunMaker } from '../run/run-plan.ts';
import type { PodRow } from '../workload/pod-rows.ts';
import type { Inputs } from '../workload/scenario-of.ts';
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

/** The recording as what an experiment is given. */
export function inputsOf(recording: Recording): Inputs {
  const { nodes, nodeEvents, templates, pods } = recording;
  if (nodes.length === 0) throw new ExperimentError('the recording has no nodes');
  if (pods.length === 0) throw new ExperimentError('the recording has no pods');
  const index = new Map(nodes.map(({ metadata }, at) => [metadata.name, at]));
  const pinned = new Map<string, PodTemplate>();
  const rows = pods.map((pod): PodRow => {
    const { name, arrivalMs, boundMs = arrivalMs, endMs, node } = pod;
    const own = templates[pod.template] ?? emptyTemplate(name);
    let template = own;
    if (pod.isPlaced && node !== undefined) {
      const key = `${pod.template} ${node}`;
      template = pinned.get(key) ?? pinnedTo(own, node);
      pinned.set(key, template);
    }
    // How long a pod would have run that never did, nobody knows: to the end.
    const hasEnded = endMs !== undefined && node !== undefined;
    const durationMs = hasEnded ? endMs - boundMs : Number.POSITIVE_INFINITY;
    return { name, template, arrivalMs, durationMs };
  });
  const changes = nodeEvents.flatMap(({ atMs, name, node }): readonly NodeChange[] => {
    const at = index.get(name);
    return at === undefined
      ? []
      : [{ atMs, node: at, ...(node === undefined ? {} : { object: node }) }];
  });
  return {
    nodes,
    shuffleNodes: false,
    changes: [...absentAtFirst(nodes, nodeEvents, index), ...changes],
    pods: [{ kind: 'rows', rows }],
    shuffle: false,
    inflate: 0,
    horizonMs: Number.POSITIVE_INFINITY,
  };
}

/** Nodes whose first event says that they came: until then they aren't there. */
function absentAtFirst(
  nodes: readonly Node[],
  events: Recording['nodeEvents'],
  index: ReadonlyMap<string, number>,
): readonly NodeChange[] {
  return nodes.flatMap((node) => {
    const { name } = node.metadata;
    const first = events.find((event) => event.name === name)?.node;
    const isLate = first !== undefined && JSON.stringify(first) === JSON.stringify(node);
    return isLate ? [{ atMs: 0, node: index.get(name) ?? 0 }] : [];
  });
}

/** Goes to this node whatever is said of it; who keeps others away goes on doing so. */
function pinnedTo({ metadata, spec }: PodTemplate, node: string): PodTemplate {
  const { nodeSelector: _, topologySpreadConstraints: __, affinity, ...kept } = spec;
  const field = { key: 'metadata.name', operator: 'In' as const, values: [node] };
  const terms = { nodeSelectorTerms: [{ matchFields: [field] }] };
  return {
    metadata,
    spec: {
      ...kept,
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
        ...(affinity?.podAntiAffinity === undefined
          ? {}
          : { podAntiAffinity: affinity.podAntiAffinity }),
      },
      tolerations: [{ operator: 'Exists' }],
    },
  };
}

function emptyTemplate(name: string): never {
  throw new ExperimentError(`pod "${name}" of the recording has no template`);
}
