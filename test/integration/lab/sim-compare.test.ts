/** `skiff sim compare` as a user runs it: the same bits twice, from results too, and mistakes in one line. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Comparison } from '../../../lab/simulation/compare/comparison.ts';
import { runCommand } from '../../support/run-command.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'skiff-compare-'));
after(() => rmSync(folder, { recursive: true }));

const EXPERIMENT = `
apiVersion: lab.skiff.dev/v1alpha1
kind: Experiment
name: tiny
mode: once
cluster:
  nodes:
    - { count: 4, name: a, cpu: 4, memory: 8Gi }
    - { count: 4, name: b, cpu: 8, memory: 8Gi }
workload:
  shuffle: true
  inflate: 1.3
  pods:
    - count: 30
      classes:
        - { weight: 3, cpu: 1, memory: 1Gi }
        - { weight: 1, cpu: 3, memory: 2Gi }
policies:
  - { file: ${path.resolve('policies/random.ts')} }
  - { default: true }
  - { file: ${path.resolve('policies/most-allocated.ts')} }
seeds: { first: 1, count: 3 }
options: { percentageOfNodesToScore: 100 }
`;

describe('skiff sim compare', () => {
  const experiment = path.join(folder, 'tiny.yaml');
  writeFileSync(experiment, EXPERIMENT);
  const skiff = (...args: readonly string[]) => runCommand('./skiff', ['sim', ...args]);

  it('gives the same bits twice, in every form at once', async () => {
    const [json, html] = [path.join(folder, 'a.json'), path.join(folder, 'a.html')];
    const args = ['compare', experiment, '--baseline', 'default', '--tie-breaks', 'name,random'];
    const first = await skiff(...args, '-o', 'table', '-o', `json=${json}`, '-o', `html=${html}`);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^tiny: 3 policies, 3 seeds \(1\.\.3\), baseline default\n/);
    const second = await skiff(...args, '-o', 'json');
    assert.equal(second.stdout, readFileSync(json, 'utf8'));
    const comparison = JSON.parse(second.stdout) as Comparison;
    assert.ok(readFileSync(html, 'utf8').includes(comparison.provenance.resultHash));
    assert.deepEqual(
      comparison.tieBreaks.map(({ policy }) => policy),
      ['default', 'most-allocated'],
    );
    const { metrics, bounds, policies } = comparison;
    assert.equal(metrics[0]?.name, 'allocationAtFull.cpu');
    for (const [i, bound] of (bounds[0]?.values ?? []).entries()) {
      for (const { name, outcomes } of policies) {
        const value = outcomes['allocationAtFull.cpu']?.values[i] ?? Number.NaN;
        assert.ok(value <= (bound ?? 0) + 1e-9, `${name} is above the bound`);
      }
    }
  });

  it('finds the same in results that were kept', async () => {
    const file = path.join(folder, 'results.json');
    const run = await skiff('run', experiment, '-o', file);
    assert.equal(run.code, 0, run.stderr);
    const fresh = await skiff('compare', experiment, '--tie-breaks', 'none', '-o', 'csv');
    const kept = await skiff('compare', file, '-o', 'csv');
    assert.equal(kept.code, 0, kept.stderr);
    assert.equal(kept.stdout, fresh.stdout);
  });

  it('refuses mistakes in one line, before it runs anything', async () => {
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [
        /^skiff: --baseline best is not among the policies: random, default, most-allocated\n$/,
        experiment,
        '--baseline',
        'best',
      ],
      [/^skiff: -o pdf: use table, csv, json or html=FILE/, experiment, '-o', 'pdf'],
      [/^skiff: .*none\.yaml does not exist\n$/, path.join(folder, 'none.yaml')],
    ];
    for (const [message, ...args] of wrong) {
      const { code, stdout, stderr } = await skiff('compare', ...args);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.notEqual(code, 0);
    }
  });
});
