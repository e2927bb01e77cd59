/** From the results of an experiment to a comparison: metrics, curves, diffs, bounds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareExperiment } from '../../../../lab/simulation/compare/compare-experiment.ts';
import { diffDecisions } from '../../../../lab/simulation/compare/decision-diff.ts';
import { experimentBounds } from '../../../../lab/simulation/compare/experiment-bounds.ts';
import { tableLines } from '../../../../lab/simulation/compare/print-table.ts';
import { reportHtml } from '../../../../lab/simulation/report/report.ts';
import type { ExperimentResult } from '../../../../lab/simulation/result/run-result.ts';
import {
  queuedExperiment,
  sampleArrivals,
  sampleExperiment,
  sampleRun,
} from '../../../support/sample-experiment.ts';

async function compared(experiment: ExperimentResult, baseline: string) {
  const { bounds, notes } = await experimentBounds(experiment);
  const command = 'skiff sim compare eight.yaml';
  return compareExperiment({ experiment, baseline, bounds, notes, tieBreaks: [], command });
}

describe('compareExperiment', () => {
  it('puts the allocation of the axis resource first, with bound and gap', async () => {
    const comparison = await compared(sampleExperiment(), 'loose');
    assert.equal(comparison.primary, 'allocationAtFull.skiff.dev/gpu-milli');
    assert.equal(comparison.random, 'random');
    // Four GPUs, seven pods of 0.6 until 4 are asked for; two of 0.6 do not share one: 2.4 of 4.
    assert.ok(Math.abs((comparison.bounds[0]?.mean ?? 0) - 60) < 1e-6);
    const [, tight, loose] = comparison.policies.map(
      ({ outcomes }) => outcomes['allocationAtFull.skiff.dev/gpu-milli'],
    );
    assert.deepEqual([tight?.mean, loose?.mean], [60, 45]);
    assert.equal(tight?.difference?.mean, 15);
    assert.ok(Math.abs((tight?.gapClosed ?? 0) - 1) < 1e-6);
    assert.ok(Math.abs((loose?.gapClosed ?? 0) - 0.5) < 1e-6);
    const curve = tight === undefined ? undefined : comparison.policies[1]?.curves.allocation;
    assert.equal(curve?.x.at(-1), 115);
    assert.equal(curve?.mean.at(-1), 60);
  });

  it('leaves out metrics that no run has, and tells together what is the same for all', async () => {
    const comparison = await compared(sampleExperiment(), 'loose');
    assert.ok(!comparison.metrics.some(({ name }) => name === 'makespan'));
    const text = tableLines(comparison).join('\n');
    assert.match(text, /The same under every policy\n {2}Pods preempted: 0 ± 0/);
    assert.match(text, /tight takes node-a \(Points 50\), one of 2 equals: the tie-break decides/);
    assert.doesNotMatch(
      reportHtml(comparison).replace(/<script.*?<\/script>/gs, ''),
      /NaN|undefined/,
    );
  });

  it('compares queues by completion time, with its distributions and bounds', async () => {
    const comparison = await compared(queuedExperiment(), 'loose');
    assert.equal(comparison.primary, 'completionTime.mean');
    assert.deepEqual(
      comparison.bounds.map(({ metric, mean }) => [metric, mean]),
      [
        ['makespan', 17],
        ['completionTime.mean', 10],
      ],
    );
    const [policy] = comparison.policies;
    assert.deepEqual(policy?.distributions.queueingDelay, [{ value: 0.5, part: 1 }]);
    assert.deepEqual(policy?.distributions.slowdown, [{ value: 1.05, part: 1 }]);
    assert.ok((policy?.curves.waiting?.mean.length ?? 0) > 0);
    const html = reportHtml(comparison);
    const [plot = ''] = html.match(/<svg [^>]*aria-label="Pods that wait"[^>]*>/) ?? [];
    // From 0, though nobody waits at first, and to where the last one that waited has gone.
    assert.match(plot, / data-x="0 [\d.]+ .* data-y="0 /);
  });

  it('bounds what is allocated at the end when the cluster is not asked for in full', async () => {
    const experiment = sampleExperiment();
    const few = experiment.arrivals.map((one) => ({
      ...one,
      podClass: one.podClass.subarray(0, 2),
      podNames: one.podNames.slice(0, 2),
    }));
    const { bounds } = await experimentBounds({ ...experiment, arrivals: few });
    assert.equal(bounds[0]?.metric, 'allocationAtEnd.skiff.dev/gpu-milli');
    assert.ok(Math.abs((bounds[0]?.mean ?? 0) - 30) < 1e-6);
  });

  it('says why there is no bound', async () => {
    const experiment = queuedExperiment();
    const runs = experiment.runs.map((run) => ({
      ...run,
      outcomes: { ...run.outcomes, endMs: run.outcomes.endMs.map(() => Number.NaN) },
    }));
    const { bounds, notes } = await experimentBounds({ ...experiment, runs });
    assert.deepEqual(bounds, []);
    assert.deepEqual(notes, ['There is no bound: not all pods were done under every policy.']);
  });
});

describe('diffDecisions', () => {
  const diff = (own: readonly number[], baseline: readonly number[]) =>
    diffDecisions(
      sampleRun('own', 1, own),
      sampleRun('base', 1, baseline),
      sampleArrivals(1),
      sampleExperiment().resources,
    );

  it('finds the first decision that differs, and counts who placed what', () => {
    const { first, ...counts } = diff([0, 0, 1, -1], [0, 1, -1, 1]);
    assert.deepEqual(counts, {
      policy: 'own',
      baseline: 'base',
      seed: 1,
      decisions: 4,
      different: 3,
      placedHereOnly: 1,
      placedThereOnly: 1,
    });
    assert.equal(first?.index, 1);
    assert.equal(first?.podText, '1 cpu, 0.6 GPU');
    assert.deepEqual(
      first?.sides.map(({ node }) => node),
      ['node-a', 'node-b'],
    );
  });

  it('says which points decided, and when none did', () => {
    assert.match(
      diff([0, 1, 1], [0, 1, 0]).first?.reason ?? '',
      /own takes node-b \(Points 50, 7 more than the next\)/,
    );
    assert.match(diff([0, -1], [0, 1]).first?.reason ?? '', /own finds no node for it/);
  });

  it('finds nothing in equals', () => {
    assert.equal(diff([0, 1], [0, 1]).first, undefined);
  });
});
