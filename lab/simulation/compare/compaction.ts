/**
 * How few nodes a policy needs: nodes are taken away in a random order until the pods no longer fit, as
 * in "Large-scale cluster management at Google with Borg" (EuroSys 2015), 5.1, cell compaction. The order
 * is the same for every policy, and drawn anew for each trial. Found by halving, so it takes about
 * log2(nodes) runs a trial; a policy that fits pods on few nodes and not on more is taken at its word
 * where halving looks.
 */

import { seededRandom } from '../../../scheduler/seeded-random.ts';
import type { Scenario } from '../engine/scenario.ts';
import type { MetricInfo } from '../result/metrics.ts';
import type { ExperimentResult, RunResult } from '../result/run-result.ts';

/** How many of the pods find no node when the policy runs on this scenario. */
export type CountUnplaced = (scenario: Scenario) => Promise<number>;

/** The fewest nodes, in one order of removal; undefined when the pods do not fit on all of them. */
export async function nodesNeededBy(
  scenario: Scenario,
  trial: number,
  countUnplaced: CountUnplaced,
): Promise<number | undefined> {
  const order = shuffled(scenario.nodes.length, trial);
  const fits = async (count: number): Promise<boolean> =>
    (await countUnplaced(withNodes(scenario, order.slice(0, count)))) === 0;
  let enough = order.length;
  if (!(await fits(enough))) return undefined;
  let tooFew = 0;
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    if (await fits(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/** The same scenario with these nodes only, in their old order. */
export function withNodes(scenario: Scenario, kept: readonly number[]): Scenario {
  const nodes = kept.toSorted((a, b) => a - b);
  const { arrivals } = scenario;
  const nodeKind = Uint32Array.from(nodes, (node) => arrivals.nodeKind[node] ?? 0);
  const counts = arrivals.nodeKinds.map(() => 0);
  for (const kind of nodeKind) counts[kind] = (counts[kind] ?? 0) + 1;
  const place = new Map(nodes.map((node, index) => [node, index]));
  return {
    ...scenario,
    nodes: pick(scenario.nodes, nodes),
    failures: scenario.failures.flatMap((failure) => {
      const node = place.get(failure.node);
      return node === undefined ? [] : [{ ...failure, node }];
    }),
    arrivals: {
      ...arrivals,
      nodeNames: pick(arrivals.nodeNames, nodes),
      nodeKind,
      nodeKinds: arrivals.nodeKinds.map((kind, i) => ({ ...kind, count: counts[i] ?? 0 })),
    },
  };
}

/** So many seeds: each costs a run of every policy for each halving of the nodes. */
export const COMPACTION_SEEDS = 3;

export const COMPACTION_METRIC = 'nodesNeeded';

const METRIC: MetricInfo = {
  name: COMPACTION_METRIC,
  title: 'nodes needed (cell compaction)',
  unit: '',
  better: 'lower',
  digits: 0,
};

/** The experiment's results with one more metric, of the first seeds. */
export async function withCompaction(
  experiment: ExperimentResult,
  nodesNeeded: (policy: string, seed: number) => Promise<number | undefined>,
): Promise<ExperimentResult> {
  const seeds = new Set(experiment.seeds.slice(0, COMPACTION_SEEDS));
  const runs: RunResult[] = [];
  for (const run of experiment.runs) {
    const count = seeds.has(run.seed) ? await nodesNeeded(run.policy, run.seed) : undefined;
    runs.push({ ...run, metrics: { ...run.metrics, [METRIC.name]: count ?? null } });
  }
  return { ...experiment, runs, metrics: [...experiment.metrics, METRIC] };
}

/** How many pods have come when they first ask for so many percent of a resource; all when they never do. */
export function podsUntil(scenario: Scenario, resource: number, percent: number): number {
  const { podClass, podClasses, nodeKinds } = scenario.arrivals;
  const capacity = nodeKinds.reduce(
    (sum, kind) => sum + kind.count * (kind.capacity[resource] ?? 0),
    0,
  );
  let asked = 0;
  for (const [pod, index] of podClass.entries()) {
    asked += podClasses[index]?.requests[resource] ?? 0;
    if (asked * 100 >= capacity * percent) return pod + 1;
  }
  return podClass.length;
}

/** The same scenario with its first pods only. */
export function withPods(scenario: Scenario, count: number): Scenario {
  const { arrivals } = scenario;
  return {
    ...scenario,
    arrivals: {
      ...arrivals,
      podNames: arrivals.podNames.slice(0, count),
      podClass: arrivals.podClass.subarray(0, count),
      arrivalMs: arrivals.arrivalMs.subarray(0, count),
      durationMs: arrivals.durationMs.subarray(0, count),
      gang: arrivals.gang.subarray(0, count),
    },
  };
}

function shuffled(count: number, seed: number): readonly number[] {
  const random = seededRandom(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [order[i] ?? 0, order[j] ?? 0];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

function pick<T>(list: readonly T[], indexes: readonly number[]): readonly T[] {
  return indexes.flatMap((index) => {
    const item = list[index];
    return item === undefined ? [] : [item];
  });
}
