/**
 * One policy on one seed: a pure function of the scenario, the policy and the options. The same ones
 * give the same result to the last bit, on every machine; only what is measured of the run differs.
 */

import type { Clock } from '../../../base/clock.ts';
import { contentHash } from '../result/content-hash.ts';
import type { RunMode, RunResult } from '../result/run-result.ts';
import { metricsOf } from './run-metrics.ts';
import { runOnce } from './run-once.ts';
import { QueuedRun } from './run-queued.ts';
import { type PolicyRunner, RunState } from './run-state.ts';
import type { RunOptions, Scenario } from './scenario.ts';
import type { DecisionObserver } from './scheduling-core.ts';
import { strandedParts } from './stranded.ts';
import { TimeRecorder } from './time-recorder.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface PolicyRunInput {
  readonly scenario: Scenario;
  readonly mode: RunMode;
  readonly options: RunOptions;
  readonly policy: string;
  /** Of the policy, its parameters and the options. */
  readonly configHash: string;
  readonly runner: PolicyRunner;
  /** Measures the run; no result depends on it. */
  readonly stopwatch: Pick<Clock, 'monotonicMs'>;
  readonly observe?: DecisionObserver;
}

/** Throws a PolicyFailure when a plugin fails. */
export function runPolicy(input: PolicyRunInput): RunResult {
  const { scenario, mode, policy, configHash, stopwatch } = input;
  const { arrivals, resources } = scenario;
  const beganMs = stopwatch.monotonicMs();
  const state = new RunState(scenario, input.runner, input.observe);
  const queued = mode === 'queued' ? runQueued(state, input.options) : undefined;
  if (mode === 'once') runOnce(state);
  const wallMs = stopwatch.monotonicMs() - beganMs;
  const decisions = state.recorder.take();
  const outcomes = state.outcomes.take();
  const byShare = state.shares.take();
  const metrics = metricsOf(scenario, {
    decisions,
    outcomes,
    byShare,
    overTime: queued?.overTime ?? [],
    dominantShares: queued?.dominantShares ?? [],
    atEnd: resources.map((_, index) => state.meter.part(index)),
    stranded: strandedParts(scenario, state.core.cache.snapshot(), state.meter.capacity),
    isQueued: queued !== undefined,
    arrived: queued?.arrived ?? arrivals.podNames.length,
  });
  const byTime = queued === undefined ? {} : { byTime: queued.byTime };
  const content = { decisions, outcomes, byShare, ...byTime, metrics };
  const { seed, traceHash } = arrivals;
  const resultHash = contentHash({ policy, seed, traceHash, configHash, ...content });
  const decisionsPerSecond = (1000 * decisions.pod.length) / Math.max(wallMs, 1e-3);
  const measured = { wallMs, decisionsPerSecond };
  return { policy, seed, traceHash, configHash, resultHash, ...content, measured };
}

function runQueued(
  state: RunState,
  options: RunOptions,
): ReturnType<TimeRecorder['take']> & { readonly arrived: number } {
  const clock = new VirtualClock();
  const time = new TimeRecorder(state);
  const run = new QueuedRun(state, clock, time, options);
  run.run();
  return { ...time.take(), arrived: run.arrived };
}
