/**
 * How full a node would be with the pod, as a score: the emptier the better (`LeastAllocated`), the
 * fuller the better (`MostAllocated`), or by a curve (`RequestedToCapacityRatio`).
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/noderesources/{resource_allocation,
 * least_allocated,most_allocated,requested_to_capacity_ratio}.go, v1.36.
 */

import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import { amountOf } from '../cache/resources.ts';
import type { ScoringStrategy, ShapePoint } from '../config/plugin-args.ts';
import { SCORE_MAX } from '../framework/plugin.ts';

/** From 0 to {@link SCORE_MAX}, for one resource; the capacity is above 0. */
type ResourceScore = (requested: number, capacity: number) => number;

/** Scores of a curve go from 0 to this. */
const SHAPE_SCORE_MAX = 10;

export function newResourceScore(
  strategy: ScoringStrategy,
): (pod: PodInfo, node: NodeInfo) => number {
  const scoreOf = resourceScoreOf(strategy);
  const isRatio = strategy.type === 'RequestedToCapacityRatio';
  return (pod, node) => {
    let total = 0;
    let weights = 0;
    for (const { name, weight } of strategy.resources) {
      const capacity = amountOf(node.allocatable, name);
      const asked = amountOf(pod.nonZeroRequests, name);
      if (capacity === 0 || (asked === 0 && isScalar(name))) continue;
      const score = scoreOf(amountOf(node.nonZeroRequested, name) + asked, capacity);
      // A curve's 0 takes its weight with it.
      if (isRatio && score <= 0) continue;
      total += weight * score;
      weights += weight;
    }
    if (weights === 0) return 0;
    return isRatio ? Math.round(total / weights) : Math.trunc(total / weights);
  };
}

function resourceScoreOf(strategy: ScoringStrategy): ResourceScore {
  switch (strategy.type) {
    case 'LeastAllocated':
      return (requested, capacity) =>
        requested > capacity ? 0 : Math.trunc(((capacity - requested) * SCORE_MAX) / capacity);
    case 'MostAllocated':
      // Pods without requests count more than they asked for, so that a node may be overfull.
      return (requested, capacity) =>
        Math.trunc((Math.min(requested, capacity) * SCORE_MAX) / capacity);
    case 'RequestedToCapacityRatio': {
      const curve = newCurve(strategy.shape);
      return (requested, capacity) =>
        curve(requested > capacity ? 100 : Math.trunc((requested * 100) / capacity));
    }
  }
}

/** Straight lines between the points, flat outside; whole numbers, as upstream's. */
function newCurve(shape: readonly ShapePoint[]): (utilization: number) => number {
  const factor = SCORE_MAX / SHAPE_SCORE_MAX;
  const points = shape.map(({ utilization, score }) => ({ x: utilization, y: score * factor }));
  return (utilization) => {
    let before: { readonly x: number; readonly y: number } | undefined;
    for (const point of points) {
      if (utilization <= point.x) {
        if (before === undefined) return point.y;
        const { x, y } = before;
        return y + Math.trunc(((point.y - y) * (utilization - x)) / (point.x - x));
      }
      before = point;
    }
    return before?.y ?? 0;
  };
}

/** Extended resources, huge pages: a pod that asks for none isn't judged by them. */
function isScalar(name: string): boolean {
  return name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage';
}
