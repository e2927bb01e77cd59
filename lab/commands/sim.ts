/** `skiff sim run`, `compare`, `record` and `replay`: experiments with scheduling policies, on virtual time. */

import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { connectTo } from '../cluster/connect.ts';
import { addCompare } from '../simulation/compare/compare-command.ts';
import { addRecordingCommands } from '../simulation/recording/recording-commands.ts';
import { resultLines, resultsCsv } from '../simulation/result/print-results.ts';
import { formatResults } from '../simulation/result/result-file.ts';
import type { ExperimentResult } from '../simulation/result/run-result.ts';
import {
  defaultWorkers,
  openExperiment,
  openForComparison,
} from '../simulation/run/open-experiment.ts';
import { RunProgress } from '../simulation/run/run-progress.ts';
import { Interrupted } from './usage-error.ts';

interface RunFlags {
  readonly output: string;
  readonly workers?: number;
  readonly seeds?: readonly number[];
  readonly policies?: readonly string[];
}

/** More than the cores of any machine that this is for. */
const WORKERS_MAX = 256;

/** An interrupted recording is complete: it is written. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

export function addSimCommands(program: Command, write: (text: string) => void): void {
  const sim = program
    .command('sim')
    .description('experiments with scheduling policies on virtual time');
  const progress = new RunProgress(process.stderr);
  const onRun = progress.onRun.bind(progress);
  const signal = interruptible(progress);
  sim
    .command('run <experiment>')
    .description('run every policy of an experiment on every seed')
    .option('-o, --output <format>', 'table, json, csv, or a file (.json, .csv or text)', 'table')
    .option('--workers <n>', 'threads (default: one a core)', workerCount)
    .option('--seeds <list>', "these seeds in place of the experiment's: N,N,…", seedList)
    .option('--policies <names>', 'only these policies: NAME,NAME,…', (text: string) =>
      text.split(','),
    )
    .action(async (file: string, { output, workers, seeds, policies }: RunFlags) => {
      const options = { workers: workers ?? defaultWorkers(), onRun };
      const { run } = await openExperiment(file, options, signal());
      const results = await run({
        ...(seeds === undefined ? {} : { seeds }),
        ...(policies === undefined ? {} : { policies }),
      });
      putOut(results, output, write);
    });
  addRecordingCommands(sim, {
    clock: systemClock,
    write,
    note: (text) => void process.stderr.write(text),
    connect: connectTo,
    interrupted: untilInterrupted,
  });
  addCompare(sim, {
    open: (file, stop) =>
      openForComparison(
        file,
        { workers: defaultWorkers(), onRun },
        AbortSignal.any([stop, signal()]),
      ),
    step: async (name, run) => {
      process.stderr.write(`${name}\n`);
      return await run();
    },
    write,
    signal: new AbortController().signal,
  });
}

/** Ends everything at the first Ctrl-C; nothing is half written, since nothing is written before the end. */
function interruptible(progress: RunProgress): () => AbortSignal {
  return () => {
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        progress.clear();
        controller.abort(new Interrupted('interrupted: nothing was written'));
      });
    }
    return controller.signal;
  };
}

function putOut(results: ExperimentResult, output: string, write: (text: string) => void): void {
  const table = (): string => `${resultLines(results).join('\n')}\n`;
  if (output === 'table') write(table());
  else if (output === 'json') write(formatResults(results));
  else if (output === 'csv') write(resultsCsv(results));
  else {
    const isJson = output.endsWith('.json');
    const text = isJson
      ? formatResults(results)
      : output.endsWith('.csv')
        ? resultsCsv(results)
        : table();
    writeFileSync(output, text);
    if (isJson || output.endsWith('.csv')) write(table());
  }
}

function workerCount(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= WORKERS_MAX) return value;
  throw new InvalidArgumentError(`use a whole number from 1 to ${WORKERS_MAX}`);
}

function seedList(text: string): readonly number[] {
  const seeds = text.split(',').map((one) => (/^\d+$/.test(one) ? Number(one) : Number.NaN));
  if (seeds.every((seed) => Number.isSafeInteger(seed))) return seeds;
  throw new InvalidArgumentError('use whole numbers, as 1,2,3');
}
