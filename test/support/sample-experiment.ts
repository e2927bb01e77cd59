/** Results in the form of `skiff sim run`, of a small made-up experiment with known placements. */

import type {
  Arrivals,
  DecisionLog,
  ExperimentResult,
  PodOutcomes,
  RunResult,
  ShareSeries,
} from '../../lab/simulation/result/run-result.ts';

const RESOURCES = [
  { name: 'cpu', unit: 'milli' },
  { name: 'skiff.dev/gpu-milli', unit: 'units' },
] as const;

/** Two nodes of two GPUs; eight pods of 0.6 GPU, so that four of them fit. */
export function sampleArrivals(seed: number): Arrivals {
  const pods = 8;
  return {
    seed,
    traceHash: `trace-${seed}`,
    nodeNames: ['node-a', 'node-b'],
    nodeKinds: [{ count: 2, capacity: [8000, 2000], gpus: 2, gpuModel: 'T4' }],
    nodeKind: new Uint32Array([0, 0]),
    podNames: Array.from({ length: pods }, (_, i) => `pod-${i}`),
    podClasses: [
      {
        requests: [1000, 600],
        gpu: { count: 1, milli: 600 },
        gpuModels: ['T4'],
        priority: 0,
        tenant: 'default',
      },
    ],
    podClass: new Uint32Array(pods),
    arrivalMs: new Float64Array(pods).map((_, i) => i * 1000),
    durationMs: new Float64Array(pods).fill(10_000),
    gang: new Int32Array(pods).fill(-1),
    gangs: [],
  };
}

/** One attempt a pod, in order; -1 is no node. Totals are 50 of one plugin, the second pod's tied. */
export function sampleRun(policy: string, seed: number, nodes: readonly number[]): RunResult {
  const pods = nodes.length;
  const placed = nodes.filter((node) => node >= 0).length;
  const decisions: DecisionLog = {
    timeMs: new Float64Array(pods),
    pod: Uint32Array.from(nodes.keys()),
    node: Int32Array.from(nodes),
    evaluated: new Uint32Array(pods).fill(2),
    feasible: Uint32Array.from(nodes, (node) => (node < 0 ? 0 : 2)),
    ties: Uint32Array.from(nodes, (_, i) => (i === 1 ? 2 : 1)),
    margin: Float64Array.from(nodes, (_, i) => (i === 1 ? 0 : 7)),
    plugins: ['Points'],
    points: [new Float32Array(pods).fill(50)],
  };
  const outcomes: PodOutcomes = {
    node: Int32Array.from(nodes),
    firstStartMs: Float64Array.from(nodes, (node, i) => (node < 0 ? Number.NaN : i * 1000 + 500)),
    endMs: Float64Array.from(nodes, (node, i) => (node < 0 ? Number.NaN : i * 1000 + 10_500)),
    attempts: new Uint32Array(pods).fill(1),
    preempted: new Uint32Array(pods),
    failed: new Uint32Array(pods),
    lostMs: new Float64Array(pods),
  };
  const percent = Uint32Array.from({ length: 121 }, (_, i) => i);
  const allocated = percent.length;
  const byShare: ShareSeries = {
    resource: 'skiff.dev/gpu-milli',
    percent,
    allocated: [
      new Float64Array(allocated),
      Float64Array.from(percent, (x) => (x > 115 ? Number.NaN : Math.min(x / 100, placed * 0.15))),
    ],
    fragmentation: new Float64Array(allocated),
    fragmentationOfTotal: new Float64Array(allocated).fill(0.1),
    unplaced: new Float64Array(allocated),
  };
  return {
    policy,
    seed,
    traceHash: `trace-${seed}`,
    configHash: 'c0',
    resultHash: `result-${policy}-${seed}`,
    decisions,
    outcomes,
    byShare,
    metrics: {
      'allocationAtFull.cpu': placed * 6,
      'allocationAtFull.skiff.dev/gpu-milli': placed * 15,
      unplacedShare: (100 * (pods - placed)) / pods,
      preemptions: 0,
      makespan: null,
    },
    measured: { wallMs: 1, decisionsPerSecond: 1000 },
  };
}

/** `tight` places four pods, `loose` three, and they part at the second pod. */
export function sampleExperiment(): ExperimentResult {
  const seeds = [1, 2];
  const info = { unit: '%', better: 'higher', digits: 1 } as const;
  return {
    kind: 'SkiffExperiment',
    formatVersion: 1,
    name: 'eight pods',
    description: '',
    mode: 'once',
    tieBreak: 'name',
    codeVersion: '0.1.0+src.0',
    configHash: 'c0',
    resultHash: 'r0',
    resources: RESOURCES,
    policies: ['random', 'tight', 'loose'].map((name) => ({ name, description: '', hash: 'p0' })),
    seeds,
    arrivals: seeds.map(sampleArrivals),
    runs: [
      ...seeds.map((seed) => sampleRun('random', seed, [0, 1, -1, -1, -1, -1, -1, -1])),
      ...seeds.map((seed) => sampleRun('tight', seed, [0, 0, 1, 1, -1, -1, -1, -1])),
      ...seeds.map((seed) => sampleRun('loose', seed, [0, 1, 0, -1, -1, -1, -1, -1])),
    ],
    metrics: [
      { name: 'allocationAtFull.cpu', title: 'cpu allocated at 100 % arrived', ...info },
      {
        name: 'allocationAtFull.skiff.dev/gpu-milli',
        title: 'GPU allocated at 100 % arrived',
        ...info,
      },
      {
        name: 'unplacedShare',
        title: 'pods without a node',
        unit: '%',
        better: 'lower',
        digits: 1,
      },
      { name: 'preemptions', title: 'pods preempted', unit: '', better: 'lower', digits: 0 },
      { name: 'makespan', title: 'makespan', unit: 's', better: 'lower', digits: 1 },
    ],
    facts: [['cluster', '2 nodes']],
  };
}

/** The same pods in a queue: all done, ten seconds each, half a second after they came. */
export function queuedExperiment(): ExperimentResult {
  const experiment = sampleExperiment();
  const nodes = [0, 0, 1, 1, 0, 0, 1, 1];
  return {
    ...experiment,
    mode: 'queued',
    policies: experiment.policies.slice(1),
    runs: ['tight', 'loose'].flatMap((policy) =>
      experiment.seeds.map((seed) => ({
        ...sampleRun(policy, seed, nodes),
        byTime: {
          timeMs: new Float64Array([0, 9_000, 18_000]),
          allocated: [new Float64Array([0.1, 0.5, 0]), new Float64Array([0.15, 0.6, 0])],
          running: new Uint32Array([1, 4, 0]),
          waiting: new Uint32Array([0, 2, 0]),
        },
        metrics: { 'completionTime.mean': 10.5, makespan: 17.5 },
      })),
    ),
    metrics: [
      { name: 'makespan', title: 'makespan', unit: 's', better: 'lower', digits: 1 },
      {
        name: 'completionTime.mean',
        title: 'completion time',
        unit: 's',
        better: 'lower',
        digits: 1,
      },
    ],
  };
}
