/**
 * How many nodes of a cluster these pods need at the least, whatever the policy; what cell compaction
 * finds for a policy can't be below it. For each resource: so many of the largest nodes that their volume
 * is enough, and, taking all nodes for the largest one, what bins-needed.ts says. GPUs count as one
 * resource by volume.
 */

import { binsNeeded, type Pieces } from './bins-needed.ts';
import { GPU_MILLI, type NodeKind, type PodClass } from './placement-bound.ts';

/** `undefined` when not even all nodes have room, by volume or for one of the pods. */
export function nodesNeeded(
  nodes: readonly NodeKind[],
  pods: readonly PodClass[],
): number | undefined {
  const resources = new Set(nodes.flatMap(({ capacity }) => Object.keys(capacity)));
  for (const { requests } of pods) for (const name of Object.keys(requests)) resources.add(name);
  const dimensions: readonly Dimension[] = [
    ...[...resources].map((name) => ({
      capacityOf: ({ capacity }: NodeKind) => capacity[name] ?? 0,
      requestOf: ({ requests }: PodClass) => requests[name] ?? 0,
    })),
    {
      capacityOf: ({ gpus }) => gpus * GPU_MILLI,
      requestOf: ({ gpu }) => gpu.count * gpu.milli,
    },
  ];
  let most = 0;
  for (const dimension of dimensions) {
    const needed = neededIn(dimension, nodes, pods);
    if (needed === undefined) return undefined;
    most = Math.max(most, needed);
  }
  return most;
}

interface Dimension {
  readonly capacityOf: (node: NodeKind) => number;
  readonly requestOf: (pod: PodClass) => number;
}

function neededIn(
  { capacityOf, requestOf }: Dimension,
  nodes: readonly NodeKind[],
  pods: readonly PodClass[],
): number | undefined {
  const pieces: readonly Pieces[] = pods
    .map((pod) => ({ size: requestOf(pod), count: pod.count }))
    .filter(({ size, count }) => size > 0 && count > 0);
  if (pieces.length === 0) return 0;
  const largest = Math.max(0, ...nodes.map(capacityOf));
  if (pieces.some(({ size }) => size > largest)) return undefined;
  let left = pieces.reduce((sum, { size, count }) => sum + size * count, 0);
  let byVolume = 0;
  for (const node of nodes.toSorted((a, b) => capacityOf(b) - capacityOf(a))) {
    const capacity = capacityOf(node);
    if (left <= 0 || capacity === 0) break;
    const used = Math.min(node.count, Math.ceil(left / capacity));
    byVolume += used;
    left -= used * capacity;
  }
  if (left > 0) return undefined;
  const { martelloToth, dualFeasible } = binsNeeded(pieces, largest);
  return Math.max(byVolume, martelloToth, dualFeasible);
}
