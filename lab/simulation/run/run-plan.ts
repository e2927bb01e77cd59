/** The runs of an experiment, and how one of them is made. */

import type { Clock } from '../../../base/clock.ts';
import { runPolicy } from '../engine/run-policy.ts';
import type { Scenario } from '../engine/scenario.ts';
import type { DecisionObserver } from '../engine/scheduling-core.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';
import { contentHash } from '../result/content-hash.ts';
import type { RunResult } from '../result/run-result.ts';
import { type Inputs, scenarioOf } from '../workload/scenario-of.ts';
import { type LoadedPolicy, loadPolicyOf } from './policy-source.ts';

/** Indexes into the experiment's policies and seeds. */
export interface RunTask {
  readonly policy: number;
  readonly seed: number;
}

/** Makes runs one after the other; keeps the scenario of the last seed. */
export class RunMaker {
  readonly #experiment: Experiment;
  readonly #inputs: Inputs;
  readonly #stopwatch: Pick<Clock, 'monotonicMs'>;
  readonly #policies = new Map<number, LoadedPolicy>();
  #scenario: { readonly seed: number; readonly of: Scenario } | undefined;

  constructor(experiment: Experiment, inputs: Inputs, stopwatch: Pick<Clock, 'monotonicMs'>) {
    this.#experiment = experiment;
    this.#inputs = inputs;
    this.#stopwatch = stopwatch;
  }

  /** On the seed's scenario, or a changed one. Throws an Error of one line that names policy and seed. */
  async make(task: RunTask, observe?: DecisionObserver, changed?: Scenario): Promise<RunResult> {
    const { mode, options, policies, seeds } = this.#experiment;
    const [spec, seed] = [policies[task.policy], seeds[task.seed]];
    if (spec === undefined || seed === undefined) throw new RangeError('No such run');
    const policy = this.#policies.get(task.policy) ?? (await loadPolicyOf(spec));
    this.#policies.set(task.policy, policy);
    const scenario = changed ?? this.scenario(seed);
    try {
      return runPolicy({
        scenario,
        mode,
        options,
        policy: policy.name,
        configHash: contentHash({ policy: policy.hash, mode, options }),
        runner: policy.runner(scenario, options, mode),
        stopwatch: this.#stopwatch,
        ...(observe === undefined ? {} : { observe }),
      });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ExperimentError(`policy "${policy.name}", seed ${seed}: ${why}`, { cause });
    }
  }

  scenario(seed: number): Scenario {
    if (this.#scenario?.seed === seed) return this.#scenario.of;
    const of = scenarioOf(this.#inputs, seed);
    this.#scenario = { seed, of };
    return of;
  }
}
