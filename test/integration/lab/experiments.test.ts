/** The experiments that come with Skiff, and that the same inputs, seed and code give the same bits. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resultLines, resultsCsv } from '../../../lab/simulation/result/print-results.ts';
import { formatResults, parseResults } from '../../../lab/simulation/result/result-file.ts';
import type { ExperimentResult } from '../../../lab/simulation/result/run-result.ts';
import { openExperiment, openForComparison } from '../../../lab/simulation/run/open-experiment.ts';
import { RunProgress } from '../../../lab/simulation/run/run-progress.ts';

const { signal } = new AbortController();

async function run(
  file: string,
  workers: number,
  seeds: readonly number[],
): Promise<ExperimentResult> {
  const opened = await openExperiment(file, { workers }, signal);
  return await opened.run({ seeds });
}

/** Without what a machine measures. */
function content(results: ExperimentResult): object {
  return { ...results, runs: results.runs.map(({ measured: _, ...rest }) => rest) };
}

for (const file of ['experiments/packing.yaml', 'experiments/batch-queue.yaml']) {
  describe(file, () => {
    it('gives the same to the last bit with one thread, two, or none', async () => {
      const here = await run(file, 0, [1, 2]);
      const one = await run(file, 1, [1, 2]);
      const two = await run(file, 2, [1, 2]);
      assert.deepEqual(content(one), content(here));
      assert.deepEqual(content(two), content(here));
      assert.notEqual(here.runs[0]?.resultHash, here.runs[1]?.resultHash, 'Seeds differ');
      const alone = await run(file, 0, [2]);
      assert.deepEqual(
        alone.runs.map(({ resultHash }) => resultHash),
        here.runs.filter(({ seed }) => seed === 2).map(({ resultHash }) => resultHash),
        'A run does not depend on what was run before it',
      );
    });
  });
}

describe('results', () => {
  it('survive a file, and are compared from it', async () => {
    const results = await run('experiments/packing.yaml', 0, [3]);
    assert.deepEqual(parseResults(formatResults(results)), results);
    assert.throws(
      () => parseResults('{"kind":"SkiffExperiment","formatVersion":9}'),
      /of this version/,
    );
    const lines = resultLines(results);
    assert.ok(lines.some((line) => line.includes(results.resultHash)));
    assert.equal(resultsCsv(results).trim().split('\n').length, 1 + results.runs.length);
  });

  it('explain a decision by what each plugin gave to each node', async () => {
    const results = await run('experiments/packing.yaml', 0, [1]);
    const opened = await openForComparison('experiments/packing.yaml', { workers: 0 }, signal);
    assert.ok(opened.kind === 'experiment');
    const points = await opened.rerun.explain('default', 1, 5);
    const log = results.runs.find(({ policy }) => policy === 'default')?.decisions;
    const winner = results.arrivals[0]?.nodeNames[log?.node[5] ?? -1] ?? '';
    const won = points?.get(winner)?.reduce((sum, one) => sum + one.points, 0) ?? 0;
    const others = [...(points ?? [])].filter(([node]) => node !== winner);
    const best = Math.max(
      ...others.map(([, own]) => own.reduce((sum, one) => sum + one.points, 0)),
    );
    assert.equal(points?.size, log?.feasible[5]);
    assert.equal(won - best, log?.margin[5]);
  });

  it('name what is wrong in one line', async () => {
    await assert.rejects(openExperiment('experiments/none.yaml', { workers: 0 }, signal), {
      message: 'experiments/none.yaml does not exist',
    });
    const opened = await openExperiment('experiments/packing.yaml', { workers: 0 }, signal);
    await assert.rejects(
      async () => await opened.run({ policies: ['nobody'] }),
      /no policy "nobody"/,
    );
  });

  it('stop when they are told to', async () => {
    const controller = new AbortController();
    const options = { workers: 2, onRun: () => controller.abort(new Error('enough')) };
    const opened = await openExperiment('experiments/packing.yaml', options, controller.signal);
    await assert.rejects(opened.run(), { message: 'enough' });
  });
});

describe('RunProgress', () => {
  it('draws over one line on a terminal, and writes lines elsewhere', async () => {
    const { runs } = await run('experiments/packing.yaml', 0, [1]);
    const [first] = runs;
    assert.ok(first !== undefined);
    const drawn = (isTTY: boolean): string => {
      let text = '';
      const progress = new RunProgress({ isTTY, write: (more: string) => (text += more) });
      progress.onRun(first, 1, 2);
      progress.onRun(first, 2, 2);
      return text;
    };
    assert.match(
      drawn(false),
      /^1\/2 random, seed 1 \(\d+ ms\)\n2\/2 random, seed 1 \(\d+ ms\)\n$/,
    );
    const bar = `${'█'.repeat(15)}${'░'.repeat(15)} 1/2 `;
    assert.ok(drawn(true).includes(bar) && drawn(true).endsWith('\r\x1b[K'));
  });
});
