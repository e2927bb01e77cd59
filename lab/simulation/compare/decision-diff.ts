/**
 * Where two policies part on the same arrivals. Both see the same pods and the same cluster until their
 * first decision that differs; after it they see different clusters, and what differs may only follow from it.
 */

import {
  type Arrivals,
  type DecisionLog,
  NO_NODE,
  type ResourceInfo,
  type RunResult,
} from '../result/run-result.ts';
import type { Choice, DecisionDiff, FirstDifference, PluginPoints } from './comparison.ts';
import { formatCount } from './format.ts';
import { requestText } from './request-text.ts';

/** Both runs are of the seed of these arrivals. */
export function diffDecisions(
  own: RunResult,
  baseline: RunResult,
  arrivals: Arrivals,
  resources: readonly ResourceInfo[],
): DecisionDiff {
  const counts = { decisions: 0, different: 0, placedHereOnly: 0, placedThereOnly: 0 };
  for (const [pod, node] of own.outcomes.node.entries()) {
    const baselineNode = baseline.outcomes.node[pod] ?? NO_NODE;
    counts.decisions += 1;
    if (node === baselineNode) continue;
    counts.different += 1;
    if (baselineNode === NO_NODE) counts.placedHereOnly += 1;
    if (node === NO_NODE) counts.placedThereOnly += 1;
  }
  const index = firstDifference(own.decisions, baseline.decisions);
  const diff = { policy: own.policy, baseline: baseline.policy, seed: own.seed, ...counts };
  if (index === undefined) return diff;
  return { ...diff, first: describe(index, own, baseline, arrivals, resources) };
}

/** The first row in which pod or node differ; undefined when no row both have does. */
function firstDifference(own: DecisionLog, baseline: DecisionLog): number | undefined {
  const rows = Math.min(own.pod.length, baseline.pod.length);
  for (let row = 0; row < rows; row += 1) {
    if (own.node[row] !== baseline.node[row] || own.pod[row] !== baseline.pod[row]) return row;
  }
  return undefined;
}

function describe(
  index: number,
  own: RunResult,
  baseline: RunResult,
  arrivals: Arrivals,
  resources: readonly ResourceInfo[],
): FirstDifference {
  const pod = own.decisions.pod[index] ?? 0;
  const podClass = arrivals.podClasses[arrivals.podClass[pod] ?? 0];
  const sides = [choiceOf(own, index, arrivals), choiceOf(baseline, index, arrivals)] as const;
  const name = arrivals.podNames[pod] ?? `pod ${pod}`;
  const isSamePod = baseline.decisions.pod[index] === pod;
  return {
    index,
    pod: name,
    podText: podClass === undefined ? '' : requestText(podClass, resources),
    sides,
    reason: isSamePod
      ? reasonOf(index, name, sides)
      : `Decision ${formatCount(index + 1)}: another pod has its turn.`,
  };
}

function choiceOf({ policy, decisions }: RunResult, index: number, arrivals: Arrivals): Choice {
  const node = decisions.node[index] ?? NO_NODE;
  const margin = decisions.margin[index] ?? Number.NaN;
  return {
    policy,
    ...(node === NO_NODE ? {} : { node: arrivals.nodeNames[node] ?? `node ${node}` }),
    points: decisions.plugins.flatMap((plugin, i) => {
      const points = decisions.points[i]?.[index] ?? Number.NaN;
      return Number.isNaN(points) ? [] : [{ plugin, points }];
    }),
    feasible: decisions.feasible[index] ?? 0,
    ties: decisions.ties[index] ?? 0,
    margin: Number.isFinite(margin) ? margin : null,
  };
}

/** What a policy gave to nodes at one decision, by node name. */
export type NodePoints = ReadonlyMap<string, readonly PluginPoints[]>;

/** Adds what each side gave to the other side's node, where that is known. */
export function withRivals(
  first: FirstDifference,
  given: readonly [NodePoints | undefined, NodePoints | undefined],
): FirstDifference {
  const [own, base] = first.sides;
  const sides = [withRival(own, base.node, given[0]), withRival(base, own.node, given[1])] as const;
  return { ...first, sides, reason: reasonOf(first.index, first.pod, sides) };
}

function withRival(
  choice: Choice,
  rival: string | undefined,
  given: NodePoints | undefined,
): Choice {
  const points = rival === undefined ? undefined : given?.get(rival);
  return points === undefined ? choice : { ...choice, rivalPoints: points };
}

function reasonOf(index: number, pod: string, sides: readonly Choice[]): string {
  return `Decision ${formatCount(index + 1)}, pod ${pod}: ${sides.map(choiceText).join(' ')}`;
}

/** `fgd takes node-7 (Fgd 52, 4 more than the next; the other has 31).` */
function choiceText(choice: Choice): string {
  const { policy, node, points, rivalPoints, feasible, ties, margin } = choice;
  if (node === undefined) return `${policy} finds no node for it.`;
  if (feasible === 1) return `${policy} takes ${node}, the only node that fits.`;
  if (points.length === 0) return `${policy} takes ${node}, without scoring.`;
  const sum = sumText(points);
  const isRivalEqual = rivalPoints !== undefined && totalOf(rivalPoints) === totalOf(points);
  if (isRivalEqual) return `${policy} gives both ${sum}, and takes ${node} by the tie-break.`;
  const rival = rivalPoints === undefined ? '' : `; the other has ${totalOf(rivalPoints)}`;
  if (ties > 1) {
    return `${policy} takes ${node} (${sum}${rival}), one of ${formatCount(ties)} equals: the tie-break decides.`;
  }
  const ahead = margin === null ? '' : `, ${margin} more than the next`;
  return `${policy} takes ${node} (${sum}${ahead}${rival}).`;
}

/** `NodeResourcesFit 97 + TaintToleration 300 = 397`; who gives nothing is not told. */
function sumText(points: readonly PluginPoints[]): string {
  const given = points.filter((one) => one.points !== 0);
  const told = given.length === 0 ? points.slice(0, 1) : given;
  const parts = told.map(({ plugin, points: own }) => `${plugin} ${own}`).join(' + ');
  return told.length === 1 ? parts : `${parts} = ${totalOf(points)}`;
}

function totalOf(points: readonly PluginPoints[]): number {
  return points.reduce((sum, one) => sum + one.points, 0);
}
