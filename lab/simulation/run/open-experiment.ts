/** Opens what the commands name: an experiment with all that it needs, or the results of one. */

import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { systemClock } from '../../../base/clock.ts';
import type { Client } from '../../../client/client.ts';
import { loadKubeconfig } from '../../../client/kubeconfig.ts';
import { RestClient } from '../../../client/rest-client.ts';
import { GPU_RESOURCE } from '../../../scheduler/gpu/gpu-request.ts';
import { nodesNeededBy, podsUntil, withPods } from '../compare/compaction.ts';
import type { Opened } from '../compare/compare-command.ts';
import type { NodePoints } from '../compare/decision-diff.ts';
import type { RunOverrides } from '../compare/run-comparison.ts';
import type { Experiment, ExperimentOptions } from '../experiment/experiment.ts';
import { ExperimentError, readExperiment } from '../experiment/read-experiment.ts';
import { parseResults } from '../result/result-file.ts';
import { type ExperimentResult, NO_NODE, type RunResult } from '../result/run-result.ts';
import type { Inputs } from '../workload/scenario-of.ts';
import { loadInputs } from './load-inputs.ts';
import { runExperiment } from './run-experiment.ts';
import { RunMaker, type RunTask } from './run-plan.ts';

export interface OpenOptions {
  /** Threads; 0: none besides this one. */
  readonly workers: number;
  readonly onRun?: (result: RunResult, done: number, all: number) => void;
}

/** An experiment that can be run. */
export interface OpenExperiment {
  readonly experiment: Experiment;
  readonly inputs: Inputs;
  readonly run: (overrides?: RunOverrides) => Promise<ExperimentResult>;
}

/** As many threads as this machine runs at once. */
export function defaultWorkers(): number {
  return availableParallelism();
}

/** Rejects with an {@link ExperimentError} of one line. */
export async function openExperiment(
  file: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<OpenExperiment> {
  const experiment = readExperiment(await readText(file), file);
  const inputs = await loadInputs(experiment, connect, signal);
  const run = (overrides: RunOverrides = {}): Promise<ExperimentResult> =>
    runExperiment(withOverrides(experiment, overrides), inputs, {
      ...options,
      clock: systemClock,
      signal,
    });
  return { experiment, inputs, run };
}

/** For comparing: an experiment, or a file that `-o json` has written. */
export async function openForComparison(
  file: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<Opened> {
  const text = await readText(file);
  if (text.startsWith('{"kind":"SkiffExperiment"')) {
    try {
      return { kind: 'results', results: parseResults(text) };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ExperimentError(`${file}: ${why}`, { cause });
    }
  }
  const { experiment, inputs, run } = await openExperiment(file, options, signal);
  const { seeds, policies } = experiment;
  const maker = new RunMaker(experiment, inputs, systemClock);
  const taskOf = (policy: string, seed: number): RunTask => ({
    policy: policies.findIndex(({ name }) => name === policy),
    seed: seeds.indexOf(seed),
  });
  const explain = async (
    policy: string,
    seed: number,
    row: number,
  ): Promise<NodePoints | undefined> => {
    return await explainDecision(maker, taskOf(policy, seed), row);
  };
  const nodesNeeded = async (
    policy: string,
    seed: number,
    percent: number,
  ): Promise<number | undefined> => {
    const task = taskOf(policy, seed);
    return await compact(maker, task, { seed, percent, signal });
  };
  const names = policies.map(({ name }) => name);
  return { kind: 'experiment', seeds, policies: names, rerun: { run, explain, nodesNeeded } };
}

/** The removal order is drawn from the seed: the same for every policy. */
async function compact(
  maker: RunMaker,
  task: RunTask,
  options: { readonly seed: number; readonly percent: number; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const scenario = maker.scenario(options.seed);
  const { resources } = scenario;
  const gpu = resources.findIndex(({ name }) => name === GPU_RESOURCE);
  const axis = gpu >= 0 ? gpu : resources.findIndex(({ name }) => name === 'cpu');
  const fewer = withPods(scenario, podsUntil(scenario, axis, options.percent));
  return await nodesNeededBy(fewer, options.seed, async (changed) => {
    options.signal.throwIfAborted();
    const { outcomes } = await maker.make(task, undefined, changed);
    return outcomes.node.filter((node) => node === NO_NODE).length;
  });
}

/** Runs up to this row again, and gives what each plugin gave to each node. */
async function explainDecision(
  maker: RunMaker,
  task: { readonly policy: number; readonly seed: number },
  wanted: number,
): Promise<NodePoints | undefined> {
  let points: NodePoints | undefined;
  await maker.make(task, (row, _pod, decision) => {
    if (row < wanted) return undefined;
    if (row === wanted && decision.kind === 'node' && decision.scores.length > 0) {
      points = new Map(
        decision.feasible.map((node, index) => [
          node,
          decision.scores.map(({ plugin, weight, scores }) => ({
            plugin,
            points: (scores[index] ?? 0) * weight,
          })),
        ]),
      );
    }
    return 'stop';
  });
  return points;
}

function withOverrides(experiment: Experiment, overrides: RunOverrides): Experiment {
  const { policies, seeds, tieBreak } = overrides;
  const known = experiment.policies.map(({ name }) => name);
  const unknown = policies?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ExperimentError(`there is no policy "${unknown}" in it, only ${known.join(', ')}`);
  }
  const options: ExperimentOptions =
    tieBreak === undefined
      ? experiment.options
      : { ...experiment.options, tieBreak: tieBreak as ExperimentOptions['tieBreak'] };
  return {
    ...experiment,
    options,
    seeds: seeds ?? experiment.seeds,
    policies:
      policies === undefined
        ? experiment.policies
        : policies.flatMap((name) => experiment.policies.filter((one) => one.name === name)),
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`;
    throw new ExperimentError(`${file} ${why}`, { cause });
  }
}

async function connect(kubeconfig: string): Promise<Client> {
  const connection = await loadKubeconfig(kubeconfig);
  return new RestClient({ connection, clock: systemClock, userAgent: 'skiff-sim' });
}
