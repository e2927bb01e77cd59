/**
 * Pods that are drawn: when they come, what they ask for, how long they run. The same seed draws the
 * same; each quantity has a stream of its own, so that one more draw of one shifts no other.
 */

import type {
  ArrivalProcess,
  Distribution,
  GeneratedPods,
  PodClassSpec,
} from '../experiment/experiment.ts';
import { type PodRow, Templates } from './pod-rows.ts';
import { newStream } from './random-stream.ts';

const HOUR_MS = 3_600_000;
/** In which the pods of one burst come. */
const BURST_MS = 60_000;

export function generatedPods(source: GeneratedPods, seed: number): readonly PodRow[] {
  const { name, pods: count, arrivals, classes } = source;
  const stream = (of: string): (() => number) => newStream(seed, `${name}/${of}`);
  const [arrival, kind, duration] = [stream('arrival'), stream('class'), stream('duration')];
  const templates = new Templates();
  const pods: PodRow[] = [];
  const nextMs = arrivalTimes(arrivals, arrival);
  while (pods.length < count) {
    const atMs = nextMs();
    const drawn = pick(classes, kind());
    const template = templates.of(drawn);
    const durationMs = draw(drawn.duration, duration);
    const of = { template, arrivalMs: atMs, durationMs };
    const index = pods.length;
    if (drawn.gang === 1) pods.push({ ...of, name: `${name}-${index}` });
    else {
      const gang = { name: `${name}-${index}`, minCount: drawn.gang };
      for (let member = 0; member < drawn.gang; member += 1) {
        pods.push({ ...of, name: `${gang.name}-${member}`, gang });
      }
    }
  }
  return pods.sort((a, b) => a.arrivalMs - b.arrivalMs);
}

/** Gives one time after the other, in milliseconds. */
export function arrivalTimes(process: ArrivalProcess, random: () => number): () => number {
  let nowMs = 0;
  const meanMs = process.kind === 'at-once' ? 0 : HOUR_MS / process.perHour;
  switch (process.kind) {
    case 'at-once':
      return () => 0;
    case 'poisson':
      return () => {
        nowMs += exponential(meanMs, random);
        return nowMs;
      };
    case 'heavy-tailed': {
      // A Pareto distribution with least value m has the mean m·α/(α-1).
      const leastMs = (meanMs * (process.alpha - 1)) / process.alpha;
      return () => {
        nowMs += leastMs / (1 - random()) ** (1 / process.alpha);
        return nowMs;
      };
    }
    case 'bursty': {
      let left = 0;
      return () => {
        if (left === 0) {
          left = Math.max(1, Math.round(exponential(process.burst, random)));
          nowMs += exponential(meanMs * process.burst, random);
        }
        left -= 1;
        return nowMs + random() * BURST_MS;
      };
    }
    case 'diurnal': {
      // Thinning: candidates at the highest rate, kept with the chance of the rate of their time.
      const swing = (process.peakToTrough - 1) / (process.peakToTrough + 1);
      return () => {
        for (;;) {
          nowMs += exponential(meanMs / (1 + swing), random);
          const rate = 1 + swing * Math.sin((2 * Math.PI * nowMs) / process.periodMs);
          if (random() * (1 + swing) < rate) return nowMs;
        }
      };
    }
  }
}

/** A time, in milliseconds; whole ones, as the scheduler's clock has them. */
export function draw(distribution: Distribution, random: () => number): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.value;
    case 'exponential':
      return Math.round(exponential(distribution.mean, random));
    case 'uniform':
      return Math.round(distribution.min + random() * (distribution.max - distribution.min));
    case 'lognormal':
      return Math.round(distribution.median * Math.exp(distribution.sigma * normal(random)));
    case 'pareto': {
      const value = distribution.min / (1 - random()) ** (1 / distribution.alpha);
      return Math.round(Math.min(distribution.max, value));
    }
  }
}

function pick(classes: readonly PodClassSpec[], part: number): PodClassSpec {
  const total = classes.reduce((sum, { weight }) => sum + weight, 0);
  let left = part * total;
  for (const one of classes) {
    left -= one.weight;
    if (left < 0) return one;
  }
  const last = classes.at(-1);
  if (last === undefined) throw new RangeError('No class to pick');
  return last;
}

function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random());
}

/** By Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
