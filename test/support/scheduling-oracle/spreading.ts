/** Topology spread, plainly. */

import type { Node, Pod, TopologySpreadConstraint } from '../../../proto/api/gen/core-v1.ts';
import { isEmptySelector, selects, tolerates, wantsNode } from './matching.ts';
import type { World } from './pod-affinity.ts';

const HOST = 'kubernetes.io/hostname';

function withKeys(
  constraint: TopologySpreadConstraint,
  pod: Pod,
): NonNullable<TopologySpreadConstraint['labelSelector']> | undefined {
  const { labelSelector, matchLabelKeys = [] } = constraint;
  const labels = pod.metadata.labels ?? {};
  const more = matchLabelKeys
    .filter((key) => labels[key] !== undefined)
    .map((key) => ({ key, operator: 'In' as const, values: [labels[key] ?? ''] }));
  if (labelSelector === undefined) return undefined;
  return {
    ...labelSelector,
    matchExpressions: [...(labelSelector.matchExpressions ?? []), ...more],
  };
}

function countOn(node: Node, constraint: TopologySpreadConstraint, pod: Pod, world: World): number {
  const selector = withKeys(constraint, pod);
  if (isEmptySelector(selector)) return 0;
  return world.pods.filter(
    (other) =>
      other.spec.nodeName === node.metadata.name &&
      other.metadata.namespace === pod.metadata.namespace &&
      other.metadata.deletionTimestamp === undefined &&
      selects(selector, other.metadata.labels),
  ).length;
}

function isCounted(node: Node, constraint: TopologySpreadConstraint, pod: Pod): boolean {
  if (constraint.nodeAffinityPolicy !== 'Ignore' && !wantsNode(pod, node)) return false;
  if (constraint.nodeTaintsPolicy !== 'Honor') return true;
  return (node.spec.taints ?? []).every(
    (taint) => taint.effect === 'PreferNoSchedule' || tolerates(pod, taint),
  );
}

const labelOf = (node: Node, key: string): string | undefined => node.metadata.labels?.[key];

export function spreadObjection(pod: Pod, node: Node, world: World): string | undefined {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  const hasAll = (each: Node): boolean =>
    constraints.every(({ topologyKey }) => labelOf(each, topologyKey) !== undefined);
  for (const constraint of constraints) {
    const own = labelOf(node, constraint.topologyKey);
    const text = "node(s) didn't match pod topology spread constraints";
    if (own === undefined) return `${text} (missing required label)`;
    const domains: Record<string, number> = {};
    for (const each of world.nodes) {
      if (!hasAll(each) || !isCounted(each, constraint, pod)) continue;
      const value = labelOf(each, constraint.topologyKey) ?? '';
      domains[value] = (domains[value] ?? 0) + countOn(each, constraint, pod, world);
    }
    const counts = Object.values(domains);
    const isFew = counts.length < (constraint.minDomains ?? 1);
    const least = isFew || counts.length === 0 ? 0 : Math.min(...counts);
    const self = selects(withKeys(constraint, pod), pod.metadata.labels) ? 1 : 0;
    if ((domains[own] ?? 0) + self - least > constraint.maxSkew) return text;
  }
  return undefined;
}

/** Undefined: the pod has nothing to spread by. */
export function spreadScores(
  pod: Pod,
  feasible: readonly Node[],
  world: World,
): readonly number[] | undefined {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway',
  );
  if (constraints.length === 0) return undefined;
  const hasAll = (each: Node): boolean =>
    constraints.every(({ topologyKey }) => labelOf(each, topologyKey) !== undefined);
  const taken = feasible.filter(hasAll);
  const raw = feasible.map((node) => {
    if (!hasAll(node)) return undefined;
    let score = 0;
    for (const constraint of constraints) {
      const { topologyKey: key, maxSkew } = constraint;
      const isHost = key === HOST;
      const size = isHost ? taken.length : new Set(taken.map((each) => labelOf(each, key))).size;
      let count = 0;
      if (isHost) count = countOn(node, constraint, pod, world);
      else {
        for (const each of world.nodes) {
          if (!hasAll(each) || labelOf(each, key) !== labelOf(node, key)) continue;
          if (isCounted(each, constraint, pod)) count += countOn(each, constraint, pod, world);
        }
      }
      score += count * Math.log(size + 2) + (maxSkew - 1);
    }
    return Math.round(score);
  });
  const counted = raw.filter((one) => one !== undefined);
  const [min, max] = [Math.min(...counted), Math.max(0, ...counted)];
  return raw.map((one) => {
    if (one === undefined) return 0;
    return max === 0 ? 100 : Math.floor((100 * (max + min - one)) / max);
  });
}
