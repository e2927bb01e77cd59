/**
 * What no policy can exceed when pods are placed on nodes once, without departures: a linear program over
 * (kind of node) x (class of pods). It lets pods be cut into pieces and moved freely among like nodes,
 * which no policy can, and holds for each kind of node: the volume of every resource, and what
 * dual-feasible functions know of pieces on one node (cpu, memory, …) and on one GPU. Since it sees all
 * arrivals at once it bounds policies with foresight too.
 */

import { type DualFeasibleFunction, dualFeasibleFunctions } from './dual-feasible.ts';
import { maximize, type Row } from './linear-program.ts';

/** GPU shares are counted in thousandths. */
export const GPU_MILLI = 1000;

/** Nodes that are the same to every pod. */
export interface NodeKind {
  readonly count: number;
  /** Whole numbers by resource name, without GPUs. */
  readonly capacity: Readonly<Record<string, number>>;
  /** GPUs on each node. */
  readonly gpus: number;
  /** What pods select nodes by; see {@link PodClass.mayUse}. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Pods that are the same to every node. */
export interface PodClass {
  readonly count: number;
  /** Whole numbers by resource name, without GPUs. */
  readonly requests: Readonly<Record<string, number>>;
  /** So many GPUs, of each of them this many thousandths. */
  readonly gpu: { readonly count: number; readonly milli: number };
  /** Whether its selectors let it run on such nodes; what fits is found out here. */
  readonly mayUse: (kind: NodeKind) => boolean;
}

/** What is maximised: how much one pod of a class counts. */
export type Worth = (pod: PodClass) => number;

export interface PlacementBound {
  /** The sum of worth that no placement exceeds. */
  readonly bound: number;
  readonly variables: number;
  readonly rows: number;
}

/** u^(k) and thresholds of a whole node: past these, so many pods fit a node that volume says it all. */
const NODE_STEPS_MAX = 8;
const NODE_THRESHOLDS_MAX = 16;

/** Pairs that fit. Up to here a bound takes seconds and less than 1 GB. */
const PAIRS_MAX = 40_000;
const TOO_MANY = `more than ${PAIRS_MAX} pairs of a kind of nodes and a class of pods fit`;

/** Throws a RangeError when there are too many kinds and classes. */
export async function placementBound(
  nodes: readonly NodeKind[],
  pods: readonly PodClass[],
  worth: Worth,
): Promise<PlacementBound> {
  const pairs: Pair[] = [];
  const byPod: Pair[][] = pods.map(() => []);
  const byNode: Pair[][] = nodes.map(() => []);
  for (const [n, node] of nodes.entries()) {
    for (const [p, pod] of pods.entries()) {
      if (!fits(pod, node)) continue;
      const pair = { node: n, pod: p, variable: pairs.length };
      pairs.push(pair);
      byPod[p]?.push(pair);
      byNode[n]?.push(pair);
      if (pairs.length > PAIRS_MAX) throw new RangeError(TOO_MANY);
    }
  }
  const rows = [
    ...pods.map((pod, p) => rowOf(byPod[p] ?? [], () => 1, pod.count)),
    ...nodes.flatMap((node, n) => nodeRows(node, byNode[n] ?? [], pods)),
  ].filter(({ variables }) => variables.length > 0);
  const { bound } = await maximize({
    objective: pairs.map(({ pod }) => worth(at(pods, pod))),
    upper: pairs.map(({ pod }) => at(pods, pod).count),
    rows,
  });
  return { bound, variables: pairs.length, rows: rows.length };
}

/** GPUs that a pod holds, as the worth of GPU allocation. */
export function gpuWorth({ gpu }: PodClass): number {
  return (gpu.count * gpu.milli) / GPU_MILLI;
}

interface Pair {
  readonly node: number;
  readonly pod: number;
  readonly variable: number;
}

/** Whether the pod fits a node of this kind that is empty. */
export function fits(pod: PodClass, node: NodeKind): boolean {
  return (
    pod.gpu.count <= node.gpus &&
    Object.entries(pod.requests).every(([name, size]) => size <= (node.capacity[name] ?? 0)) &&
    pod.mayUse(node)
  );
}

function nodeRows(node: NodeKind, pairs: readonly Pair[], pods: readonly PodClass[]): Row[] {
  const rows: Row[] = [];
  const add = (functions: readonly DualFeasibleFunction[], sizeOf: SizeOf, bins: number): void => {
    const seen = new Set<string>();
    for (const { of } of functions) {
      const row = rowOf(
        pairs,
        (pair) => {
          const { size, count } = sizeOf(at(pods, pair.pod));
          return size === 0 ? 0 : count * of(size);
        },
        bins,
      );
      const text = row.coefficients.join();
      if (seen.has(text)) continue;
      seen.add(text);
      rows.push(row);
    }
  };
  const sizesOf = (sizeOf: SizeOf): readonly number[] =>
    pairs.map(({ pod }) => sizeOf(at(pods, pod)).size).filter((size) => size > 0);
  for (const [name, bin] of Object.entries(node.capacity)) {
    if (bin <= 0) continue;
    const sizeOf: SizeOf = ({ requests }) => ({ size: requests[name] ?? 0, count: 1 });
    const functions = dualFeasibleFunctions(sizesOf(sizeOf), bin, {
      stepsMax: NODE_STEPS_MAX,
      thresholdsMax: NODE_THRESHOLDS_MAX,
    });
    add(functions, sizeOf, node.count);
  }
  if (node.gpus > 0) {
    const piece: SizeOf = ({ gpu }) => ({
      size: gpu.count === 0 ? 0 : gpu.milli,
      count: gpu.count,
    });
    add(dualFeasibleFunctions(sizesOf(piece), GPU_MILLI), piece, node.count * node.gpus);
    // Pods that take several whole GPUs must find them on one node.
    const whole: SizeOf = ({ gpu }) => ({
      size: gpu.milli === GPU_MILLI ? gpu.count : 0,
      count: 1,
    });
    add(dualFeasibleFunctions(sizesOf(whole), node.gpus), whole, node.count);
  }
  return rows;
}

/** The piece that a pod puts into each of `count` bins. */
type SizeOf = (pod: PodClass) => { readonly size: number; readonly count: number };

function rowOf(pairs: readonly Pair[], coefficientOf: (pair: Pair) => number, limit: number): Row {
  const variables: number[] = [];
  const coefficients: number[] = [];
  for (const pair of pairs) {
    const coefficient = coefficientOf(pair);
    if (coefficient === 0) continue;
    variables.push(pair.variable);
    coefficients.push(coefficient);
  }
  return { limit, variables, coefficients };
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`No element ${index} of ${list.length}`);
  return value;
}
