/**
 * How unevenly pods would be spread with one more on a node: the higher, the worse, until it is
 * normalised. Nodes that lack a key that a constraint needs score -1 and end up with 0.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/scoring.go, v1.36.
 */

import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { NodeInfo } from '../../../scheduler/cache/node-info.ts';
import type { Snapshot } from '../../../scheduler/cache/snapshot.ts';
import { SCORE_MAX, type Scores } from '../../../scheduler/framework/plugin.ts';
import {
  type Constraint,
  countMatching,
  HOSTNAME,
  hasAllKeys,
  isIncluded,
  type PodConstraints,
} from '../../../scheduler/plugins/pod-topology-spread/constraints.ts';

/** A soft constraint, what a pod counts in it, and the pods of each domain. */
interface Weighted {
  readonly constraint: Constraint;
  readonly weight: number;
  /** Empty for the host name: there the node's own pods count. */
  readonly counts: ReadonlyMap<string, number>;
}

export interface Spread {
  readonly weighted: readonly Weighted[];
  /** Feasible nodes that lack a key. */
  readonly ignored: ReadonlySet<string>;
}

const IGNORED_SCORE = -1;

/** Undefined: there is nothing to spread by. */
export function prepareSpread(
  pod: Pod,
  feasible: readonly NodeInfo[],
  snapshot: Snapshot,
  { constraints, needsAllKeys }: PodConstraints,
): Spread | undefined {
  if (constraints.length === 0) return undefined;
  const counted = (node: NodeInfo): boolean => !needsAllKeys || hasAllKeys(node, constraints);
  const ignored = new Set(feasible.filter((node) => !counted(node)).map(({ name }) => name));
  const taken = feasible.filter(({ name }) => !ignored.has(name));
  const others = snapshot.nodes.filter(counted);
  const weighted = constraints.map((constraint) => {
    const isHost = constraint.topologyKey === HOSTNAME;
    const counts = isHost
      ? new Map<string, number>()
      : domainCounts(constraint, pod, taken, others);
    const size = isHost ? taken.length : counts.size;
    return { constraint, counts, weight: Math.log(size + 2) };
  });
  return { weighted, ignored };
}

export function spreadScore(pod: Pod, node: NodeInfo, { weighted, ignored }: Spread): number {
  if (ignored.has(node.name)) return IGNORED_SCORE;
  let score = 0;
  for (const { constraint, counts, weight } of weighted) {
    const { topologyKey, maxSkew, selector } = constraint;
    const value = node.node.metadata.labels?.[topologyKey];
    if (value === undefined) continue;
    const count =
      topologyKey === HOSTNAME
        ? countMatching(node, selector, pod.metadata.namespace ?? '')
        : (counts.get(value) ?? 0);
    score += count * weight + (maxSkew - 1);
  }
  return Math.round(score);
}

/** The least crowded gets 100. */
export function normalizeSpread(scores: Scores): void {
  const counted = scores.filter((score) => score !== IGNORED_SCORE);
  const max = Math.max(0, ...counted);
  const min = Math.min(...counted);
  for (const [index, score] of scores.entries()) {
    if (score === IGNORED_SCORE) scores[index] = 0;
    else
      scores[index] = max === 0 ? SCORE_MAX : Math.trunc((SCORE_MAX * (max + min - score)) / max);
  }
}

/** Over all nodes, but only for domains that a feasible node is in. */
function domainCounts(
  constraint: Constraint,
  pod: Pod,
  feasible: readonly NodeInfo[],
  nodes: readonly NodeInfo[],
): ReadonlyMap<string, number> {
  const domainOf = ({ node }: NodeInfo): string =>
    node.metadata.labels?.[constraint.topologyKey] ?? '';
  const counts = new Map(feasible.map((node) => [domainOf(node), 0]));
  for (const node of nodes) {
    const value = domainOf(node);
    const before = counts.get(value);
    if (before === undefined || !isIncluded(constraint, pod, node)) continue;
    const count = countMatching(node, constraint.selector, pod.metadata.namespace ?? '');
    counts.set(value, before + count);
  }
  return counts;
}
