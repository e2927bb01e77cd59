/** Runs on virtual time, each small enough to follow by hand. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runPolicy } from '../../../../lab/simulation/engine/run-policy.ts';
import type { NodeFailure, Scenario } from '../../../../lab/simulation/engine/scenario.ts';
import { NO_NODE, type RunResult } from '../../../../lab/simulation/result/run-result.ts';
import { generatedNodes } from '../../../../lab/simulation/workload/nodes-of.ts';
import { type PodRow, templateOf } from '../../../../lab/simulation/workload/pod-rows.ts';
import { scenarioOf } from '../../../../lab/simulation/workload/scenario-of.ts';
import { defaultProfile } from '../../../../scheduler/default-profile.ts';
import { Framework } from '../../../../scheduler/framework/framework.ts';

interface Job {
  readonly cpu: string;
  readonly atS?: number;
  readonly forS?: number;
  readonly priority?: number;
  readonly tenant?: string;
  readonly gang?: { readonly name: string; readonly minCount: number };
}

/** On nodes of 4 CPUs. */
function run(jobs: readonly Job[], nodes = 1, failures: readonly NodeFailure[] = []): RunResult {
  const rows = jobs.map((job, index): PodRow => {
    const { cpu, atS = 0, forS = 100, priority = 0, tenant = 'default', gang } = job;
    return {
      name: `job-${index}`,
      template: templateOf({ requests: { cpu }, tenant, priority, gpuModels: [] }),
      arrivalMs: 1000 * atS,
      durationMs: 1000 * forS,
      ...(gang === undefined ? {} : { gang }),
    };
  });
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
  const shape = { kind: 'generated', name: 'n', labels: {}, taints: [], allocatable } as const;
  const scenario: Scenario = {
    ...scenarioOf(
      {
        nodes: generatedNodes({ ...shape, count: nodes }),
        pods: [{ kind: 'rows', rows }],
        shuffleNodes: false,
        shuffle: false,
        inflate: 0,
        horizonMs: Number.POSITIVE_INFINITY,
      },
      1,
    ),
    failures,
  };
  const dependencies = {
    client: { request: () => Promise.reject(new Error('nobody is asked')) },
    peersOf: () => undefined,
    namespaceLabels: () => ({}),
  };
  return runPolicy({
    scenario,
    mode: 'queued',
    options: { horizonMs: Number.POSITIVE_INFINITY },
    policy: 'default',
    configHash: '',
    runner: {
      framework: new Framework('default-scheduler', defaultProfile(dependencies)),
      percentageOfNodesToScore: 0,
      tieBreak: { kind: 'name' },
    },
    stopwatch: { monotonicMs: () => 0 },
  });
}

const seconds = (ms: Float64Array): readonly number[] => Array.from(ms, (one) => one / 1000);

describe('a run on virtual time', () => {
  it('starts a pod when the one before it has left', () => {
    const { outcomes, metrics } = run([{ cpu: '4' }, { cpu: '4', atS: 10 }]);
    assert.deepEqual(seconds(outcomes.firstStartMs), [0, 100]);
    assert.deepEqual(seconds(outcomes.endMs), [100, 200]);
    assert.equal(metrics['queueingDelay.mean'], 45);
    assert.equal(metrics['completionTime.p50'], 145);
    assert.equal(metrics['slowdown.mean'], (1 + 1.9) / 2);
    assert.equal(metrics.makespan, 200);
    // Full for the ten seconds in which pods come.
    assert.equal(metrics['allocationOverTime.cpu'], 100);
    assert.equal(metrics['allocationAtEnd.cpu'], 0);
  });

  it('ends when those who wait can get nothing any more', () => {
    const { outcomes, metrics, byTime } = run([{ cpu: '8' }, { cpu: '1' }]);
    assert.deepEqual([...outcomes.node], [NO_NODE, 0]);
    assert.equal(metrics.unplacedShare, 50);
    assert.equal(metrics.makespan, null);
    assert.equal(byTime?.waiting.at(-1), 1);
  });

  it('makes room for a more important pod, and starts the victim again', () => {
    const { outcomes, metrics } = run([
      { cpu: '3' },
      { cpu: '1' },
      { cpu: '3', atS: 40, forS: 20, priority: 10 },
    ]);
    assert.deepEqual([...outcomes.preempted], [1, 0, 0]);
    assert.equal(outcomes.firstStartMs[2], 40_000);
    assert.equal(outcomes.lostMs[0], 40_000);
    assert.equal(outcomes.endMs[0], 160_000, 'begun again at 60 s');
    assert.equal(metrics.preemptions, 1);
    assert.equal(metrics.wastedWork, (100 * 40) / (40 + 220));
  });

  it('starts a group when all of it has room, and not before', () => {
    const gang = { name: 'g', minCount: 3 };
    const { outcomes, decisions } = run(
      [
        { cpu: '4', forS: 50 },
        { cpu: '2', atS: 1, gang },
        { cpu: '2', atS: 2, gang },
        { cpu: '2', atS: 3, gang },
      ],
      2,
    );
    assert.deepEqual(seconds(outcomes.firstStartMs), [0, 50, 50, 50]);
    const early = [...decisions.pod].filter(
      (pod, row) => pod > 0 && (decisions.timeMs[row] ?? 0) < 3_000,
    );
    assert.deepEqual(early, [], 'Nobody is tried before all have come');
    // Two of the three fitted at 3 s, and were taken back.
    const revoked = [...decisions.node].filter(
      (node, row) => node === NO_NODE && (decisions.timeMs[row] ?? 0) < 50_000,
    );
    assert.ok(revoked.length >= 3);
  });

  it('loses the pods of a node that fails, and starts them again', () => {
    const failures = [{ node: 0, atMs: 30_000, repairedMs: 70_000 }];
    const { outcomes, metrics } = run([{ cpu: '4' }], 1, failures);
    assert.deepEqual([...outcomes.failed], [1]);
    assert.equal(outcomes.lostMs[0], 30_000);
    assert.equal(outcomes.endMs[0], 170_000);
    assert.equal(metrics.nodeFailures, 1);
  });

  it('says how evenly tenants are served', () => {
    const even = run([
      { cpu: '2', tenant: 'a' },
      { cpu: '2', tenant: 'b' },
    ]);
    assert.equal(even.metrics.jainDominantShare, 1);
    const uneven = run([
      { cpu: '4', tenant: 'a' },
      { cpu: '4', tenant: 'b', atS: 50 },
    ]);
    // All of the time in which pods come, a has everything: 1/n.
    assert.equal(uneven.metrics.jainDominantShare, 0.5);
  });

  it('gives the same twice', () => {
    const jobs = Array.from({ length: 60 }, (_, i) => ({
      cpu: '1',
      atS: i,
      forS: 10 + (i % 7) * 9,
    }));
    assert.equal(run(jobs, 2).resultHash, run(jobs, 2).resultHash);
    assert.notEqual(run(jobs, 2).resultHash, run(jobs, 3).resultHash);
  });
});
