/** A comparison as `skiff sim compare` makes it, of made-up runs: six policies on ten seeds. */

import { compareMetrics } from '../../lab/simulation/compare/compare-metrics.ts';
import type {
  Bound,
  Comparison,
  Metric,
  PolicyOutcome,
} from '../../lab/simulation/compare/comparison.ts';
import { mergeCurves, type Steps } from '../../lab/simulation/compare/merge-curves.ts';
import { thinCdf } from '../../lab/simulation/statistics/summary.ts';
import { seededRandom } from '../../scheduler/seeded-random.ts';

const SEEDS = [42, 43, 44, 45, 46, 47, 48, 49, 50, 51] as const;

/** Allocation at 100 % of arrivals, its deviation, and what fragments, in percent. */
const POLICIES: readonly (readonly [string, number, number, number])[] = [
  ['random', 86.25, 0.3, 13.5],
  ['dot-product', 90.56, 0.17, 9.3],
  ['gpu-clustering', 91.1, 0.5, 8.2],
  ['gpu-packing', 91.2, 0.5, 8.1],
  ['best-fit', 93.0, 0.16, 7.0],
  ['fgd', 95.04, 0.14, 4.8],
];

const METRICS: readonly Metric[] = [
  {
    name: 'gpuAllocation',
    title: 'GPU allocation at 100 % arrived',
    unit: '%',
    better: 'higher',
    digits: 2,
  },
  {
    name: 'fragmentation',
    title: 'Fragmented GPUs at 100 % arrived',
    unit: '%',
    better: 'lower',
    digits: 2,
  },
  { name: 'rejected', title: 'Pods rejected', unit: '', better: 'lower', digits: 0 },
  {
    name: 'queueDelayP95',
    title: 'Queueing delay, 95th percentile',
    unit: 's',
    better: 'lower',
    digits: 1,
  },
];

export function sampleComparison(): Comparison {
  const random = seededRandom(1);
  const noise = (sd: number): number => (random() + random() + random() + random() - 2) * sd * 1.7;
  const shared = SEEDS.map(() => noise(0.1));
  const runs = POLICIES.flatMap(([policy, allocation, sd, fragments]) =>
    SEEDS.map((seed, i) => {
      const gpuAllocation = allocation + noise(sd) + (shared[i] ?? 0);
      return {
        policy,
        seed,
        metrics: {
          gpuAllocation,
          fragmentation: fragments + noise(sd),
          rejected: Math.round((100 - gpuAllocation) * 80),
          queueDelayP95: Math.max(0, (97 - gpuAllocation) * 12 + noise(9)),
        },
      };
    }),
  );
  const bound: Bound = {
    metric: 'gpuAllocation',
    values: SEEDS.map(() => 97.22 + noise(0.03)),
    mean: 97.22,
    sd: 0.03,
    how: 'linear program over kinds of nodes and classes of pods, with dual-feasible functions of GPU pieces',
    curve: {
      name: 'allocation',
      x: [0, 92, 100, 110, 120, 130],
      y: [0, 92, 97.22, 99.2, 99.9, 100],
    },
  };
  const plan = {
    policies: POLICIES.map(([name]) => name),
    seeds: SEEDS,
    metrics: METRICS,
    baseline: 'best-fit',
    random: 'random',
    bounds: [bound],
  };
  const outcomes = compareMetrics(runs, plan);
  const policies: readonly PolicyOutcome[] = POLICIES.map(
    ([name, allocation, sd, fragments], i) => ({
      name,
      outcomes: outcomes[i] ?? {},
      curves: {
        allocation: mergeCurves(SEEDS.map(() => allocationSteps(allocation + noise(sd)))),
        fragmentation: mergeCurves(SEEDS.map(() => fragmentSteps(fragments + noise(sd)))),
      },
      distributions: {
        queueDelay: thinCdf(
          Array.from({ length: 800 }, () =>
            Math.max(0, (97 - allocation) * (random() ** -1.1 - 1)),
          ),
          120,
        ),
        slowdown: thinCdf(
          Array.from({ length: 800 }, () => 1 + ((97 - allocation) / 40) * (random() ** -0.9 - 1)),
          120,
        ),
      },
    }),
  );
  return {
    kind: 'SkiffComparison',
    formatVersion: 1,
    title: 'openb, default trace',
    description: 'Made-up runs in the form of the openb GPU cluster.',
    provenance: {
      skiffVersion: '0.1.0',
      traceHash: 'ab'.repeat(32),
      configHash: 'cd'.repeat(32),
      resultHash: 'ef'.repeat(32),
      runs: runs.map(({ policy, seed }) => ({
        policy,
        seed,
        traceHash: String(seed).repeat(32),
        resultHash: '01'.repeat(32),
      })),
      command: 'skiff sim compare openb.yaml --baseline best-fit',
      facts: [
        ['cluster', '1,213 nodes, 6,212 GPUs'],
        ['arrivals', 'about 8,300 pods to 100 %, 10,800 to 130 %'],
      ],
    },
    baseline: plan.baseline,
    random: 'random',
    seeds: SEEDS,
    metrics: METRICS,
    primary: 'gpuAllocation',
    curves: [
      {
        name: 'allocation',
        title: 'GPU allocation while pods arrive',
        xTitle: 'GPUs asked for, % of the cluster',
        yTitle: 'GPUs allocated, %',
      },
      {
        name: 'fragmentation',
        title: 'Fragmented GPUs while pods arrive',
        xTitle: 'GPUs asked for, % of the cluster',
        yTitle: 'of all GPUs, %',
      },
    ],
    distributions: [
      { name: 'queueDelay', title: 'Queueing delay', xTitle: 'seconds' },
      { name: 'slowdown', title: 'Slowdown', xTitle: '(waiting + running) / running' },
    ],
    policies,
    bounds: [bound],
    decisionDiffs: [
      {
        policy: 'fgd',
        baseline: 'best-fit',
        seed: 42,
        decisions: 10_814,
        different: 9_120,
        placedHereOnly: 231,
        placedThereOnly: 14,
        first: {
          index: 2,
          pod: 'openb-pod-1734',
          podText: '8 cpu, 30 GiB memory, 1 GPU',
          sides: [
            {
              policy: 'fgd',
              node: 'openb-node-0231',
              points: [{ plugin: 'Fgd', points: 52 }],
              feasible: 1184,
              ties: 1,
              margin: 4,
            },
            {
              policy: 'best-fit',
              node: 'openb-node-0002',
              points: [{ plugin: 'BestFit', points: 97 }],
              feasible: 1184,
              ties: 31,
              margin: 0,
            },
          ],
          reason:
            'Decision 3, pod openb-pod-1734: fgd takes openb-node-0231 (Fgd 52, 4 more than the next). best-fit takes openb-node-0002 (BestFit 97), one of 31 equals: the tie-break decides.',
        },
      },
    ],
    tieBreaks: POLICIES.filter(([name]) => name !== 'random').map(([policy, allocation, sd]) => ({
      policy,
      metric: 'gpuAllocation',
      results: [
        { tieBreak: 'name', mean: allocation, sd, tiedShare: 0.62 },
        { tieBreak: 'first', mean: allocation - 0.1, sd, tiedShare: 0.62 },
        {
          tieBreak: 'random',
          mean: allocation - (policy === 'fgd' ? 5.2 : 1.1),
          sd,
          tiedShare: 0.65,
        },
        { tieBreak: 'heap135', mean: allocation - 0.4, sd, tiedShare: 0.63 },
      ],
    })),
    notes: ['Cell compaction was not run.'],
  };
}

/** Follows the arrivals, then bends off to what the policy reaches. */
function allocationSteps(at100: number): Steps {
  const x = Array.from({ length: 131 }, (_, i) => i);
  const bend = (place: number): number => Math.max(0, place - (at100 - 4));
  return {
    x,
    y: x.map((place) => Math.min(place, at100 - 4) + 4.3 * (1 - Math.exp(-bend(place) / 4.3))),
  };
}

function fragmentSteps(at100: number): Steps {
  const x = Array.from({ length: 131 }, (_, i) => i);
  return { x, y: x.map((place) => at100 / (1 + Math.exp((70 - place) / 8))) };
}
