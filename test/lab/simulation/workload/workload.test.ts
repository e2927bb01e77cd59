/** Pods from traces, manifests and generators, and the scenario made of them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArrivalProcess } from '../../../../lab/simulation/experiment/experiment.ts';
import { parseCsv } from '../../../../lab/simulation/workload/csv.ts';
import { arrivalTimes, draw } from '../../../../lab/simulation/workload/generated-pods.ts';
import { podsFromManifests } from '../../../../lab/simulation/workload/manifest-pods.ts';
import { nodesFromCsv } from '../../../../lab/simulation/workload/nodes-of.ts';
import { newStream } from '../../../../lab/simulation/workload/random-stream.ts';
import { scenarioOf } from '../../../../lab/simulation/workload/scenario-of.ts';
import { podsFromTrace } from '../../../../lab/simulation/workload/trace-pods.ts';

const ALL = { timeScale: 1, limit: Number.POSITIVE_INFINITY };
const OPENB = `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time
p0,12000,16384,1,460,V100|T4,20,50
p1,8000,30517,2,1000,,10,10
p2,8000,30517,2,1000,,30,40
`;

describe('a trace', () => {
  it("of openb's form", () => {
    const pods = podsFromTrace(parseCsv(OPENB), ALL);
    assert.deepEqual(
      pods.map(({ name, arrivalMs, durationMs }) => [name, arrivalMs, durationMs]),
      [
        ['p1', 10_000, 0],
        ['p0', 20_000, 30_000],
        ['p2', 30_000, 10_000],
      ],
    );
    const [two, part, again] = pods.map(({ template }) => template);
    assert.deepEqual(part?.spec.containers[0]?.resources?.requests, {
      cpu: '12000m',
      memory: '16384Mi',
      'skiff.dev/gpu-milli': '460',
    });
    assert.ok(JSON.stringify(part?.spec.affinity).includes('["V100","T4"]'));
    assert.equal(two, again, 'Equal pods are of one class');
  });

  it('of the general form, with groups', () => {
    const text = 'name,arrival,duration,cpu,gpu,count,tenant\na,5,60,2,0.5,1,x\nb,1,,1,,3,\n';
    const pods = podsFromTrace(parseCsv(text), { timeScale: 2, limit: 9 });
    assert.deepEqual(
      pods.map(({ name, arrivalMs, gang }) => [name, arrivalMs, gang?.minCount]),
      [
        ['b-0', 2_000, 3],
        ['b-1', 2_000, 3],
        ['b-2', 2_000, 3],
        ['a', 10_000, undefined],
      ],
    );
    assert.equal(pods[0]?.durationMs, Number.POSITIVE_INFINITY);
    assert.equal(pods[3]?.template.metadata.namespace, 'x');
  });

  it('names the line that is wrong', () => {
    const read = (text: string): unknown => podsFromTrace(parseCsv(text), ALL);
    assert.throws(() => read('arrival,colour\n1,red\n'), /column "colour" is not one of/);
    assert.throws(() => read('arrival,cpu\n1,1\nx,1\n'), /line 3: arrival can't be "x"/);
    assert.throws(() => read('arrival,gpu\n1,1.5\n'), /line 2: gpu can't be "1.5"/);
    assert.throws(() => read('arrival,cpu\n1\n'), /line 2 has 1 cells, the header 2/);
    assert.throws(() => nodesFromCsv(['sn'], []), /needs the columns sn, cpu_milli, memory_mib/);
  });
});

describe('manifests', () => {
  it('make the pods that their controllers would', () => {
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    const template = { metadata: { labels: { app: 'w' } }, spec };
    const pods = podsFromManifests(
      [
        { kind: 'Deployment', metadata: { name: 'w' }, spec: { replicas: 2, template } },
        { kind: 'Service', metadata: { name: 's' } },
        { kind: 'Pod', metadata: { name: 'p', namespace: 'x' }, spec },
      ],
      { atMs: 5, durationMs: 7 },
    );
    assert.deepEqual(
      pods.map(({ name }) => name),
      ['w-0', 'w-1', 'p'],
    );
    assert.deepEqual(pods[0]?.template.metadata.labels, { app: 'w' });
    assert.equal(pods[2]?.template.metadata.namespace, 'x');
  });
});

describe('generators', () => {
  const processes: readonly Exclude<ArrivalProcess, { kind: 'at-once' }>[] = [
    { kind: 'poisson', perHour: 60 },
    { kind: 'bursty', perHour: 60, burst: 5 },
    { kind: 'diurnal', perHour: 60, peakToTrough: 4, periodMs: 3_600_000 },
    { kind: 'heavy-tailed', perHour: 60, alpha: 2.5 },
  ];
  for (const process of processes) {
    it(`${process.kind}: comes at the rate that was asked for`, () => {
      const next = arrivalTimes(process, newStream(1, 'x'));
      let lastMs = 0;
      for (let i = 0; i < 20_000; i += 1) lastMs = next();
      const perHour = (20_000 * 3_600_000) / lastMs;
      assert.ok(Math.abs(perHour - 60) < 3, `${perHour} an hour`);
    });
  }

  it('draw from the distribution that was asked for', () => {
    const random = newStream(1, 'y');
    const many = (of: Parameters<typeof draw>[0]): number[] =>
      Array.from({ length: 20_000 }, () => draw(of, random)).sort((a, b) => a - b);
    const mean = (values: readonly number[]): number =>
      values.reduce((a, b) => a + b, 0) / values.length;
    assert.ok(Math.abs(mean(many({ kind: 'exponential', mean: 1000 })) - 1000) < 30);
    assert.ok(
      Math.abs((many({ kind: 'lognormal', median: 1000, sigma: 1 })[10_000] ?? 0) - 1000) < 40,
    );
    const pareto = many({ kind: 'pareto', min: 100, alpha: 2, max: 5000 });
    assert.ok((pareto[0] ?? 0) >= 100 && (pareto.at(-1) ?? 0) <= 5000);
    // Half of a Pareto distribution lies below min·2^(1/α).
    assert.ok(Math.abs((pareto[10_000] ?? 0) - 141) < 5);
  });
});

describe('scenarioOf', () => {
  const nodes = nodesFromCsv(
    ['name', 'cpu', 'memory', 'gpu'],
    [
      { name: 'a', cpu: '64', memory: '256Gi', gpu: '4' },
      { name: 'b', cpu: '64', memory: '256Gi', gpu: '4' },
    ],
  );
  const rows = podsFromTrace(parseCsv(OPENB), ALL);
  const pods = [{ kind: 'rows', rows }] as const;
  const inputs = { nodes, shuffleNodes: false, pods, horizonMs: 1e9 };

  it('fills up to the share of GPUs that was asked for, and no further', () => {
    const { arrivals, resources } = scenarioOf({ ...inputs, shuffle: true, inflate: 1.3 }, 1);
    const gpu = resources.findIndex(({ name }) => name === 'skiff.dev/gpu-milli');
    const asked = [...arrivals.podClass].reduce(
      (sum, one) => sum + (arrivals.podClasses[one]?.requests[gpu] ?? 0),
      0,
    );
    assert.ok(asked <= 1.3 * 8000 && asked > 1.3 * 8000 - 2000, `${asked}`);
    assert.equal(new Set(arrivals.podNames).size, arrivals.podNames.length);
    assert.equal(arrivals.nodeKinds.length, 1);
    assert.deepEqual(arrivals.nodeKinds[0]?.gpus, 4);
  });

  it('is the same for the same seed only', () => {
    const of = (seed: number): string =>
      scenarioOf({ ...inputs, shuffle: true, inflate: 5 }, seed).arrivals.traceHash;
    assert.equal(of(1), of(1));
    assert.notEqual(of(1), of(2));
  });

  it('names nodes in an order that the seed draws, where it is told to', () => {
    const of = (seed: number) =>
      scenarioOf({ ...inputs, shuffleNodes: true, shuffle: false, inflate: 0 }, seed);
    const orders = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => of(seed).arrivals.nodeNames.join());
    assert.deepEqual([...new Set(orders)].sort(), ['000000-a,000001-b', '000000-b,000001-a']);
    assert.deepEqual(of(1).arrivals.nodeNames, of(1).arrivals.nodeNames);
    const [first] = of(1).nodes;
    assert.equal(first?.metadata.labels?.['kubernetes.io/hostname'], first?.metadata.name);
  });

  it('lets nodes fail at the rate that was asked for', () => {
    const failures = { meanBetweenMs: 1e6, meanRepairMs: 1e5 };
    const made = scenarioOf({ ...inputs, shuffle: false, inflate: 0, failures }, 1).failures;
    assert.ok(Math.abs(made.length - (2 * 1e9) / 1.1e6) < 150, `${made.length}`);
    assert.ok(made.every((one, i) => one.atMs >= (made[i - 1]?.atMs ?? 0)));
  });
});
