/**
 * The simulator: time of a run and decisions a second, one run after the other on one core. With the
 * openb trace (`--openb FOLDER`, default ../shared/data/openb) the six policies of the published table;
 * without it the experiment `packing`. `--seeds N` runs for each policy (default 3); the fastest counts.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../base/clock.ts';
import { readExperiment } from '../../lab/simulation/experiment/read-experiment.ts';
import { loadInputs } from '../../lab/simulation/run/load-inputs.ts';
import { runExperiment } from '../../lab/simulation/run/run-experiment.ts';

interface PolicyTime {
  readonly msPerRun: number;
  readonly decisionsPerSecond: number;
}

export async function bench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { openb: { type: 'string' }, seeds: { type: 'string', default: '3' } },
  });
  const folder = path.resolve(values.openb ?? '../shared/data/openb');
  const isOpenb = existsSync(folder);
  if (!isOpenb) print(`No openb trace in ${folder}: the experiment "packing" instead`);
  const file = path.resolve(`experiments/${isOpenb ? 'openb' : 'packing'}.yaml`);
  const text = readFileSync(file, 'utf8').replaceAll('openb/openb_', `${folder}/openb_`);
  const read = readExperiment(text, file);
  const seeds = read.seeds.slice(0, Math.max(1, Number(values.seeds)));
  const experiment = { ...read, seeds };
  const { signal } = new AbortController();
  const noCluster = (): Promise<never> => Promise.reject(new Error('No cluster is named'));
  const inputs = await loadInputs(experiment, noCluster, signal);
  const policies: Record<string, PolicyTime> = {};
  const began = process.cpuUsage();
  const results = await runExperiment(experiment, inputs, {
    workers: 0,
    clock: systemClock,
    signal,
  });
  const cpuMs = process.cpuUsage(began).user / 1000;
  for (const { name } of results.policies) {
    const own = results.runs.filter((run) => run.policy === name).map(({ measured }) => measured);
    const fastest = own.toSorted((a, b) => a.wallMs - b.wallMs)[0];
    const msPerRun = Math.round(fastest?.wallMs ?? 0);
    const decisionsPerSecond = Math.round(fastest?.decisionsPerSecond ?? 0);
    policies[name] = { msPerRun, decisionsPerSecond };
    print(
      `${name.padEnd(20)} ${String(msPerRun).padStart(6)} ms  ${decisionsPerSecond} decisions/s`,
    );
  }
  const cpuMsPerRun = Math.round(cpuMs / results.runs.length);
  print(`CPU time a run, with making its arrivals: ${cpuMsPerRun} ms`);
  return { experiment: experiment.name, seeds: seeds.length, cpuMsPerRun, policies };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
