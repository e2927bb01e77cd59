/** The work of sim compare: what is run again, what is refused, and where the output goes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatComparison, parseOutput } from '../../../../lab/simulation/compare/output.ts';
import {
  type RunOverrides,
  runComparison,
  selectRuns,
} from '../../../../lab/simulation/compare/run-comparison.ts';
import { sampleExperiment } from '../../../support/sample-experiment.ts';

const command = 'skiff sim compare eight.yaml';
const step = <T>(_: string, run: () => Promise<T>): Promise<T> => run();

describe('runComparison', () => {
  it('runs every policy but random again under each tie-break, on the first seeds', async () => {
    const asked: RunOverrides[] = [];
    const comparison = await runComparison(
      sampleExperiment(),
      { baseline: 'loose', tieBreaks: ['name', 'random'], command },
      {
        run: async (overrides) => {
          asked.push(overrides);
          return selectRuns(sampleExperiment(), overrides);
        },
        explain: async (policy) => {
          const rival = policy === 'tight' ? 'node-b' : 'node-a';
          return new Map([[rival, [{ plugin: 'Points', points: policy === 'tight' ? 43 : 50 }]]]);
        },
        nodesNeeded: async () => 5,
      },
      step,
    );
    const policies = ['tight', 'loose'];
    assert.deepEqual(asked, [
      { policies, seeds: [1, 2], tieBreak: 'name' },
      { policies, seeds: [1, 2], tieBreak: 'random' },
    ]);
    const [tight] = comparison.tieBreaks;
    assert.equal(tight?.policy, 'tight');
    assert.equal(tight?.metric, 'allocationAtFull.skiff.dev/gpu-milli');
    const parted = comparison.decisionDiffs.find(({ policy }) => policy === 'tight');
    assert.equal(
      parted?.first?.reason,
      'Decision 2, pod pod-1: tight takes node-a (Points 50; the other has 43), one of 2 equals: the tie-break decides. loose gives both Points 50, and takes node-b by the tie-break.',
    );
    assert.deepEqual(tight?.results[1], { tieBreak: 'random', mean: 60, sd: 0, tiedShare: 1 / 8 });
  });

  it('says what results alone do not tell', async () => {
    const options = { tieBreaks: ['name'], command };
    const comparison = await runComparison(sampleExperiment(), options, undefined, step);
    assert.equal(comparison.baseline, 'random');
    assert.deepEqual(comparison.tieBreaks, []);
    assert.match(comparison.notes.join(), /tie-breaks were not compared/);
  });

  it('refuses a baseline that is not there, by name', async () => {
    const options = { baseline: 'best', tieBreaks: [], command };
    await assert.rejects(
      runComparison(sampleExperiment(), options, undefined, step),
      /--baseline best is not among the policies: random, tight, loose/,
    );
  });
});

describe('selectRuns', () => {
  it('keeps the policies asked for, in that order, on the seeds asked for', () => {
    const { runs, policies, arrivals } = selectRuns(sampleExperiment(), {
      policies: ['loose', 'random'],
      seeds: [2],
    });
    assert.deepEqual(
      runs.map(({ policy, seed }) => [policy, seed]),
      [
        ['loose', 2],
        ['random', 2],
      ],
    );
    assert.deepEqual(
      policies.map(({ name }) => name),
      ['loose', 'random'],
    );
    assert.equal(arrivals.length, 1);
  });

  it('refuses what is not in it', () => {
    assert.throws(() => selectRuns(sampleExperiment(), { policies: ['x'] }), /no policy "x"/);
    assert.throws(() => selectRuns(sampleExperiment(), { seeds: [9] }), /Seed 9 was not run/);
  });
});

describe('parseOutput', () => {
  it('takes a format, and a file after =', () => {
    assert.deepEqual(parseOutput('json'), { format: 'json' });
    assert.deepEqual(parseOutput('html=a=b.html'), { format: 'html', file: 'a=b.html' });
    assert.throws(() => parseOutput('yaml'), /use table, csv, json or html=FILE/);
    assert.throws(() => parseOutput('html'), /needs a file/);
  });
});

describe('formatComparison', () => {
  it('is the same comparison in every form', async () => {
    const comparison = await runComparison(
      sampleExperiment(),
      { tieBreaks: [], command },
      undefined,
      step,
    );
    assert.deepEqual(JSON.parse(formatComparison(comparison, 'json')), comparison);
    assert.match(formatComparison(comparison, 'table'), /^eight pods: 3 policies, 2 seeds/);
    assert.match(formatComparison(comparison, 'csv'), /^policy,metric,unit,seed,value\r\n/);
    assert.match(formatComparison(comparison, 'html'), /^<!DOCTYPE html>/);
  });
});
