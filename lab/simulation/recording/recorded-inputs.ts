/** A recording as what a simulation is given: rows of pods, and what becomes of nodes. Pure. */

import type { Node } from '../../../proto/api/gen/core-v1.ts';
import type { NodeChange, PodTemplate } from '../engine/scenario.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';
import type { PodRow } from '../workload/pod-rows.ts';
import type { Inputs } from '../workload/scenario-of.ts';
import type { Recording } from './recording.ts';

/** Throws an {@link ExperimentError} when there is nothing to decide. */
export function inputsOf(recording: Recording): Inputs {
  const { nodes, pods } = recording;
  if (nodes.length === 0) throw new ExperimentError('the recording has no nodes');
  if (pods.length === 0) throw new ExperimentError('the recording has no pods');
  return {
    nodes,
    changes: recordedChanges(recording, nodes),
    pods: [{ kind: 'rows', rows: recordedRows(recording) }],
    shuffleNodes: false,
    shuffle: false,
    inflate: 0,
    horizonMs: Number.POSITIVE_INFINITY,
  };
}

/** In the order of the recording. */
export function recordedRows({ templates, pods }: Recording): readonly PodRow[] {
  const pinned = new Map<string, PodTemplate>();
  return pods.map((pod): PodRow => {
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
}

/** `nodes`: all of the simulation, with those of the recording among them. */
export function recordedChanges(
  { nodes: recorded, nodeEvents }: Recording,
  nodes: readonly Node[],
): readonly NodeChange[] {
  const index = new Map(nodes.map(({ metadata }, at) => [metadata.name, at]));
  const changes = nodeEvents.flatMap(({ atMs, name, node }): readonly NodeChange[] => {
    const at = index.get(name);
    if (at === undefined) return [];
    return [{ atMs, node: at, ...(node === undefined ? {} : { object: node }) }];
  });
  return [...absentAtFirst(recorded, nodeEvents, index), ...changes];
}

/** Nodes whose first event says that they came: until then they aren't there. */
function absentAtFirst(
  recorded: readonly Node[],
  events: Recording['nodeEvents'],
  index: ReadonlyMap<string, number>,
): readonly NodeChange[] {
  return recorded.flatMap((node) => {
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
