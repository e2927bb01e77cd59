/** The command line of sim compare: what runs, and what is refused before anything does. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { addCompare, type Opened } from '../../../../lab/simulation/compare/compare-command.ts';
import type { Comparison } from '../../../../lab/simulation/compare/comparison.ts';
import {
  type RunOverrides,
  selectRuns,
} from '../../../../lab/simulation/compare/run-comparison.ts';
import { sampleExperiment } from '../../../support/sample-experiment.ts';

async function compare(kind: Opened['kind'], ...args: readonly string[]) {
  const asked: RunOverrides[] = [];
  let text = '';
  const results = sampleExperiment();
  const opened: Opened =
    kind === 'results'
      ? { kind, results }
      : {
          kind,
          seeds: results.seeds,
          policies: results.policies.map(({ name }) => name),
          rerun: {
            run: async (overrides) => {
              asked.push(overrides);
              return selectRuns(results, { ...overrides, seeds: [1, 2] });
            },
            explain: async () => undefined,
            nodesNeeded: async () => 5,
          },
        };
  const sim = new Command('sim').exitOverride();
  addCompare(sim, {
    open: async () => opened,
    step: (_, run) => run(),
    write: (more) => {
      text += more;
    },
    signal: new AbortController().signal,
  });
  await sim.parseAsync(['compare', 'eight pods.yaml', ...args], { from: 'user' });
  return { asked, text };
}

describe('sim compare', () => {
  it('prints a table by default, and what repeats it', async () => {
    const { text, asked } = await compare('experiment', '--baseline', 'loose');
    assert.match(text, /repeat +skiff sim compare 'eight pods\.yaml' --baseline loose\n$/);
    assert.equal(asked.length, 1 + 4);
  });

  it('runs the policies and as many seeds as asked for, counting on from the last', async () => {
    const args = [
      '--seeds',
      '4',
      '--policies',
      'tight,loose',
      '--tie-breaks',
      'none',
      '-o',
      'json',
    ];
    const { text, asked } = await compare('experiment', ...args);
    assert.deepEqual(asked, [{ seeds: [1, 2, 3, 4], policies: ['tight', 'loose'] }]);
    const comparison = JSON.parse(text) as Comparison;
    assert.deepEqual([comparison.baseline, comparison.policies.length], ['tight', 2]);
  });

  it('finds how few nodes are needed when asked to', async () => {
    const { text } = await compare('experiment', '--compact', '70', '--tie-breaks', 'none');
    assert.match(text, /Nodes needed \(cell compaction\): 5 ± 0/);
    assert.match(text, /repeat .* --compact 70\n$/);
    await assert.rejects(compare('results', '--compact', '70'), /needs the experiment/);
  });

  it('compares results that were kept, on fewer seeds too', async () => {
    const { text } = await compare('results', '--seeds', '1', '-o', 'csv');
    assert.match(text, /\r\nloose,unplacedShare,%,1,62\.5\r\n/);
    await assert.rejects(compare('results', '--seeds', '3'), /the results have 2/);
  });

  it('refuses what it can not do before it runs anything', async () => {
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [/use table, csv, json or html=FILE/, '-o', 'pdf'],
      [/whole number from 1 to 1000/, '--seeds', '0'],
      [/"last" is none of name, first, random, heap135, none/, '--tie-breaks', 'name,last'],
      [/--baseline x is not among the policies: random, tight, loose/, '--baseline', 'x'],
    ];
    for (const [message, ...args] of wrong) {
      await assert.rejects(compare('experiment', ...args), message);
    }
  });
});
