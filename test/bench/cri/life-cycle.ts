/** One pod with one container from RunPodSandbox to RemovePodSandbox, timed step by step. */

import type { CriClient } from '../../../proto/cri/client.ts';
import type { CriPods } from '../../support/cri-pods.ts';
import { quantile } from '../../support/statistics.ts';

export interface Target {
  readonly client: CriClient;
  readonly pods: CriPods;
}

const STEPS = [
  'runPodSandbox',
  'createContainer',
  'startContainer',
  'stopContainer',
  'stopPodSandbox',
  'removePodSandbox',
] as const;

export type Step = (typeof STEPS)[number] | 'toRunning';

/** Milliseconds of each cycle. */
export type StepTimes = Readonly<Record<Step, readonly number[]>>;

export interface LifeCycles {
  readonly times: StepTimes;
  readonly cyclesPerSecond: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
}

/** Runs this many cycles, this many of them at any time. */
export async function runLifeCycles(
  target: Target,
  cycles: number,
  concurrency: number,
): Promise<LifeCycles> {
  const times: Record<Step, number[]> = {
    runPodSandbox: [],
    createContainer: [],
    startContainer: [],
    stopContainer: [],
    stopPodSandbox: [],
    removePodSandbox: [],
    toRunning: [],
  };
  let left = cycles;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await oneCycle(target, times);
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { times, cyclesPerSecond: cycles / ((performance.now() - begin) / 1000) };
}

async function oneCycle({ client, pods }: Target, times: Record<Step, number[]>): Promise<void> {
  const timed = async <T>(step: Step, call: () => Promise<T>): Promise<T> => {
    const begin = performance.now();
    const result = await call();
    times[step].push(performance.now() - begin);
    return result;
  };
  const begin = performance.now();
  const sandbox = await timed('runPodSandbox', () => pods.runSandbox());
  const id = await timed('createContainer', () =>
    pods.createContainer(sandbox, ['/bin/sleep', '1000000']),
  );
  await timed('startContainer', () => client.startContainer({ container_id: id }));
  const { state } = await pods.status(id);
  if (state !== 'CONTAINER_RUNNING') throw new Error(`The container is ${state}, not running`);
  times.toRunning.push(performance.now() - begin);
  // PID 1 without a handler ignores SIGTERM: a grace period would measure itself.
  const stop = { container_id: id, timeout: '0' };
  await timed('stopContainer', () => client.stopContainer(stop));
  await timed('stopPodSandbox', () => client.stopPodSandbox({ pod_sandbox_id: sandbox }));
  await timed('removePodSandbox', () => client.removePodSandbox({ pod_sandbox_id: sandbox }));
}

/** Of several blocks of cycles taken as one. */
export function quantilesByStep(blocks: readonly LifeCycles[]): Readonly<Record<Step, Quantiles>> {
  const of = (step: Step): Quantiles => quantiles(blocks.flatMap(({ times }) => times[step]));
  return {
    runPodSandbox: of('runPodSandbox'),
    createContainer: of('createContainer'),
    startContainer: of('startContainer'),
    stopContainer: of('stopContainer'),
    stopPodSandbox: of('stopPodSandbox'),
    removePodSandbox: of('removePodSandbox'),
    toRunning: of('toRunning'),
  };
}

export function quantiles(values: readonly number[]): Quantiles {
  return { p50: rounded(quantile(values, 0.5)), p95: rounded(quantile(values, 0.95)) };
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
