/**
 * All runs of an experiment, over several threads. A run depends on nothing but its task, so how many
 * threads there are and who makes which run changes no result.
 */

import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../base/clock.ts';
import { GPU_RESOURCE } from '../../../scheduler/gpu/gpu-request.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { contentHash } from '../result/content-hash.ts';
import { metricsFor } from '../result/metrics.ts';
import type { Arrivals, ExperimentResult, RunResult } from '../result/run-result.ts';
import { type Inputs, scenarioOf } from '../workload/scenario-of.ts';
import { codeVersion } from './code-version.ts';
import { loadPolicyOf } from './policy-source.ts';
import { RunMaker, type RunTask } from './run-plan.ts';
import { readAnswer, type WorkerStart } from './worker/messages.ts';

export interface RunExperimentOptions {
  /** 0: in this thread, one after the other. */
  readonly workers: number;
  readonly clock: Clock;
  /** Rejects with the signal's reason, and ends all threads. */
  readonly signal: AbortSignal;
  /** After each run. */
  readonly onRun?: (result: RunResult, done: number, all: number) => void;
}

/** Rejects with an Error of one line when a file or a policy is at fault. */
export async function runExperiment(
  experiment: Experiment,
  inputs: Inputs,
  options: RunExperimentOptions,
): Promise<ExperimentResult> {
  const { seeds } = experiment;
  // A mistake in a policy is said before threads are started.
  const policies = await Promise.all(experiment.policies.map(loadPolicyOf));
  // Seed by seed, so that a thread makes a scenario once for several policies.
  const tasks = seeds.flatMap((_, seed) => policies.map((__, policy) => ({ policy, seed })));
  const results = new Map<string, RunResult>();
  const onRun = (task: RunTask, result: RunResult): void => {
    results.set(keyOf(task), result);
    options.onRun?.(result, results.size, tasks.length);
  };
  if (options.workers === 0) await runHere(experiment, inputs, tasks, options, onRun);
  else await runInThreads(experiment, inputs, tasks, options, onRun);
  const runs = policies.flatMap((_, policy) =>
    seeds.map((__, seed) => {
      const run = results.get(keyOf({ policy, seed }));
      assert.ok(run !== undefined, 'Every run has ended');
      return run;
    }),
  );
  const scenarios = seeds.map((seed) => scenarioOf(inputs, seed));
  const arrivals = scenarios.map((scenario) => scenario.arrivals);
  for (const { seed, traceHash } of runs) {
    const own = arrivals.find((one) => one.seed === seed);
    assert.equal(own?.traceHash, traceHash, 'Two threads made the same arrivals');
  }
  const resources = scenarios[0]?.resources ?? [];
  const { name, description, mode, options: settings } = experiment;
  const hasGpus = resources.some((one) => one.name === GPU_RESOURCE);
  return {
    kind: 'SkiffExperiment',
    formatVersion: 1,
    name,
    description,
    mode,
    tieBreak: settings.tieBreak,
    codeVersion: codeVersion(),
    configHash: contentHash({
      mode,
      options: settings,
      seeds,
      policies: policies.map(({ name: policy, hash }) => [policy, hash]),
      traces: arrivals.map(({ traceHash }) => traceHash),
    }),
    resultHash: contentHash(runs.map(({ resultHash }) => resultHash)),
    resources,
    policies: policies.map(({ name: policy, description: text, hash }) => ({
      name: policy,
      description: text,
      hash,
    })),
    seeds,
    arrivals,
    runs,
    metrics: metricsFor({
      resources: resources.map((one) => one.name),
      isQueued: mode === 'queued',
      hasGpus,
    }),
    facts: factsOf(arrivals[0]),
  };
}

function keyOf({ policy, seed }: RunTask): string {
  return `${policy}/${seed}`;
}

async function runHere(
  experiment: Experiment,
  inputs: Inputs,
  tasks: readonly RunTask[],
  { clock, signal }: RunExperimentOptions,
  onRun: (task: RunTask, result: RunResult) => void,
): Promise<void> {
  const maker = new RunMaker(experiment, inputs, clock);
  for (const task of tasks) {
    signal.throwIfAborted();
    onRun(task, await maker.make(task));
  }
}

async function runInThreads(
  experiment: Experiment,
  inputs: Inputs,
  tasks: readonly RunTask[],
  { workers, signal }: RunExperimentOptions,
  onRun: (task: RunTask, result: RunResult) => void,
): Promise<void> {
  signal.throwIfAborted();
  const waiting = [...tasks];
  const start: WorkerStart = { experiment, inputs };
  const threads: Worker[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let left = tasks.length;
  try {
    for (let index = 0; index < Math.min(workers, tasks.length); index += 1) {
      const thread = new Worker(new URL('worker/main.ts', import.meta.url), { workerData: start });
      threads.push(thread);
      const next = (): void => {
        const task = waiting.shift();
        if (task !== undefined) thread.postMessage(task);
      };
      thread.on('message', (message: unknown) => {
        const answer = readAnswer(message);
        if (answer.kind === 'failed') return reject(new Error(answer.why));
        onRun(answer.task, answer.result);
        left -= 1;
        if (left === 0) resolve();
        else next();
      });
      thread.on('error', (cause) =>
        reject(new Error(`a thread of the simulator ended: ${cause}`, { cause })),
      );
      next();
    }
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function factsOf(arrivals: Arrivals | undefined): readonly (readonly [string, string])[] {
  if (arrivals === undefined) return [];
  const { nodeNames, nodeKinds, podNames, podClasses, gangs } = arrivals;
  const facts: (readonly [string, string])[] = [
    ['nodes', `${nodeNames.length} of ${nodeKinds.length} kinds`],
    ['pods', `${podNames.length} of ${podClasses.length} classes (seed ${arrivals.seed})`],
  ];
  const gpus = nodeKinds.reduce((sum, kind) => sum + kind.count * kind.gpus, 0);
  if (gpus > 0) facts.push(['GPUs', String(gpus)]);
  if (gangs.length > 0) facts.push(['groups', String(gangs.length)]);
  return facts;
}
