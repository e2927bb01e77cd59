/** The numbers of a run, from what was written down of it. */

import type { MetricValues } from '../result/metrics.ts';
import {
  type Arrivals,
  type DecisionLog,
  NO_NODE,
  type PodOutcomes,
  type ShareSeries,
} from '../result/run-result.ts';
import { jainIndex } from '../statistics/fairness.ts';
import { mean, quantileOfSorted } from '../statistics/summary.ts';
import type { Scenario } from './scenario.ts';

export interface RunRecord {
  readonly decisions: DecisionLog;
  readonly outcomes: PodOutcomes;
  readonly byShare: ShareSeries;
  /** Time-weighted allocated part of each resource; empty in mode `once`. */
  readonly overTime: readonly number[];
  /** Allocated part of each resource at the end. */
  readonly atEnd: readonly number[];
  /** Stranded part of each resource at the end. */
  readonly stranded: readonly number[];
  /** Time-weighted dominant share of each tenant; empty in mode `once`. */
  readonly dominantShares: readonly number[];
  readonly isQueued: boolean;
  /** Pods that have come by the end. */
  readonly arrived: number;
}

export function metricsOf(scenario: Scenario, record: RunRecord): MetricValues {
  const { decisions, outcomes, byShare, arrived, isQueued } = record;
  const { resources, arrivals } = scenario;
  const values: Record<string, number | null> = {};
  const set = (name: string, value: number | undefined, factor = 1): void => {
    values[name] = value === undefined || !Number.isFinite(value) ? null : value * factor;
  };
  const at = (column: Float64Array | undefined, percent: number): number | undefined =>
    column?.[percent];
  for (const [index, { name }] of resources.entries()) {
    if (isQueued) set(`allocationOverTime.${name}`, record.overTime[index], 100);
    else set(`allocationAtFull.${name}`, at(byShare.allocated[index], 100), 100);
    set(`allocationAtEnd.${name}`, record.atEnd[index], 100);
    set(`stranded.${name}`, record.stranded[index], 100);
  }
  let unplaced = 0;
  for (let pod = 0; pod < arrived; pod += 1) if (outcomes.node[pod] === NO_NODE) unplaced += 1;
  set('unplacedShare', unplaced / arrived, 100);
  if (byShare.fragmentation.length > 0) {
    set('fragmentationAt90', at(byShare.fragmentation, 90), 100);
    set('fragmentationOfTotalAtFull', at(byShare.fragmentationOfTotal, 100), 100);
  }
  if (isQueued) setQueued(arrivals, record, set);
  setDecisions(decisions, arrived, set);
  return values;
}

type Set = (name: string, value: number | undefined, factor?: number) => void;

function setDecisions(log: DecisionLog, arrived: number, set: Set): void {
  let [scored, tied, evaluated] = [0, 0, 0];
  for (const [row, ties] of log.ties.entries()) {
    if (ties > 0) scored += 1;
    if (ties > 1) tied += 1;
    evaluated += log.evaluated[row] ?? 0;
  }
  set('attemptsPerPod', log.pod.length / arrived);
  set('nodesEvaluated', evaluated / log.pod.length);
  set('decidedByTieBreak', tied / scored, 100);
}

function setQueued(arrivals: Arrivals, record: RunRecord, set: Set): void {
  const { outcomes, arrived, dominantShares } = record;
  const delays: number[] = [];
  const completions: number[] = [];
  const slowdowns: number[] = [];
  const byTenant = new Map<string, number[]>();
  let lastEndMs = 0;
  let [lostMs, ranMs, preempted, failed] = [0, 0, 0, 0];
  for (let pod = 0; pod < arrived; pod += 1) {
    const arrivalMs = arrivals.arrivalMs[pod] ?? 0;
    const durationMs = arrivals.durationMs[pod] ?? 0;
    const startMs = outcomes.firstStartMs[pod] ?? Number.NaN;
    const endMs = outcomes.endMs[pod] ?? Number.NaN;
    if (!Number.isNaN(startMs)) delays.push((startMs - arrivalMs) / 1000);
    lostMs += outcomes.lostMs[pod] ?? 0;
    preempted += outcomes.preempted[pod] ?? 0;
    failed += outcomes.failed[pod] ?? 0;
    if (Number.isNaN(endMs)) continue;
    ranMs += durationMs;
    lastEndMs = Math.max(lastEndMs, endMs);
    completions.push((endMs - arrivalMs) / 1000);
    const slowdown = durationMs === 0 ? 1 : (endMs - arrivalMs) / durationMs;
    slowdowns.push(slowdown);
    const tenant = arrivals.podClasses[arrivals.podClass[pod] ?? 0]?.tenant ?? '';
    byTenant.set(tenant, [...(byTenant.get(tenant) ?? []), slowdown]);
  }
  setDistribution('queueingDelay', delays, set);
  setDistribution('completionTime', completions, set);
  setDistribution('slowdown', slowdowns, set);
  const isDone = completions.length === arrivals.podNames.length && completions.length > 0;
  set('makespan', isDone ? (lastEndMs - (arrivals.arrivalMs[0] ?? 0)) / 1000 : undefined);
  set('preemptions', preempted);
  set('nodeFailures', failed);
  set('wastedWork', lostMs + ranMs === 0 ? 0 : lostMs / (lostMs + ranMs), 100);
  set('jainSlowdown', byTenant.size < 2 ? undefined : jainIndex([...byTenant.values()].map(mean)));
  set('jainDominantShare', dominantShares.length < 2 ? undefined : jainIndex(dominantShares));
}

function setDistribution(name: string, values: number[], set: Set): void {
  values.sort((a, b) => a - b);
  set(`${name}.mean`, mean(values));
  set(`${name}.p50`, quantileOfSorted(values, 0.5));
  set(`${name}.p95`, quantileOfSorted(values, 0.95));
  set(`${name}.p99`, quantileOfSorted(values, 0.99));
}
