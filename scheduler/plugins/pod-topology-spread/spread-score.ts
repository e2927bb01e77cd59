/**
 * How unevenly pods would be spread with one more on a node: the higher, the worse, until it is
 * normalised. Nodes that lack a key that a constraint needs score -1 and end up with 0.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/scoring.go, v1.36.
 */

import type { NodeInfo } from '../../cache/node-info.ts';
import { SCORE_MAX, type Scores } from '../../framework/plugin.ts';
import { type Constraint, HOSTNAME, hasAllKeys } from './constraints.ts';
import type { SpreadTable } from './spread-table.ts';

/** A soft constraint, and the pods it counts. */
export interface SoftConstraint {
  readonly constraint: Constraint;
  readonly table: SpreadTable;
}

interface Weighted extends SoftConstraint {
  /** What a pod counts. */
  readonly weight: number;
}

export interface Spread {
  readonly weighted: readonly Weighted[];
  /** Feasible nodes that lack a key. */
  readonly ignored: ReadonlySet<string>;
}

const IGNORED_SCORE = -1;

/** `keysOf` are the constraints whose labels a node needs. */
export function prepareSpread(
  feasible: readonly NodeInfo[],
  constraints: readonly SoftConstraint[],
  keysOf: readonly Constraint[],
): Spread {
  const ignored = new Set<string>();
  const taken: NodeInfo[] = [];
  for (const node of feasible) {
    if (hasAllKeys(node, keysOf)) taken.push(node);
    else ignored.add(node.name);
  }
  const weighted = constraints.map((each) => {
    const isHost = each.constraint.topologyKey === HOSTNAME;
    const size = isHost ? taken.length : each.table.domainsAmong(taken);
    return { ...each, weight: Math.log(size + 2) };
  });
  return { weighted, ignored };
}

export function spreadScore(node: NodeInfo, { weighted, ignored }: Spread): number {
  if (ignored.size > 0 && ignored.has(node.name)) return IGNORED_SCORE;
  let score = 0;
  for (const { constraint, table, weight } of weighted) {
    const domain = table.domainOf(node);
    if (domain === undefined) continue;
    const isHost = constraint.topologyKey === HOSTNAME;
    const count = isHost ? table.countOn(node) : table.countIn(domain);
    score += count * weight + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}

/** The least crowded gets 100. */
export function normalizeSpread(scores: Scores): void {
  let max = 0;
  let min = Number.POSITIVE_INFINITY;
  for (const score of scores) {
    if (score === IGNORED_SCORE) continue;
    if (score > max) max = score;
    if (score < min) min = score;
  }
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] ?? 0;
    if (score === IGNORED_SCORE) scores[index] = 0;
    else
      scores[index] = max === 0 ? SCORE_MAX : Math.trunc((SCORE_MAX * (max + min - score)) / max);
  }
}
