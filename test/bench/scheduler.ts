/**
 * Pods that get a node in a second, in the workloads of upstream's scheduler_perf, beside the thresholds
 * that upstream's own run must reach. Mode `algorithm`: the queue, the decision and the assumption in one
 * process, without an API server. `--only TEXT` takes the workloads whose name contains the text.
 */

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { AlgorithmResult } from './scheduler/algorithm.ts';
import { WORKLOADS, type Workload } from './scheduler/workloads.ts';

const ALGORITHM = path.join(import.meta.dirname, 'scheduler/algorithm.ts');

export async function bench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string' } } });
  const chosen = WORKLOADS.filter(({ name }) => name.includes(values.only ?? ''));
  if (chosen.length === 0) throw new Error(`No workload has "${values.only}" in its name`);
  const workloads: Record<string, object> = {};
  print([
    'workload',
    'mode',
    'pods/s',
    'p50 ms',
    'p99 ms',
    'upstream',
    'ratio',
    'heap MB',
    'RSS MB',
  ]);
  for (const workload of chosen) {
    const result = runAlgorithm(workload);
    const { podsPerSecond, p50Ms, p99Ms, heapMb, rssMb } = result;
    const { upstream } = workload;
    const ratio = upstream === undefined ? '' : `${(podsPerSecond / upstream).toFixed(1)}x`;
    const cells = [podsPerSecond, p50Ms, p99Ms, upstream ?? '', ratio, heapMb, rssMb];
    print([workload.name, 'algorithm', ...cells.map(String)]);
    workloads[workload.name] = { algorithm: { ...result, upstream: upstream ?? null } };
  }
  return { workloads };
}

function runAlgorithm({ name }: Workload): AlgorithmResult {
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...flags, ALGORITHM, name], { encoding: 'utf8' });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as AlgorithmResult;
}

const WIDTHS = [66, 10, 8, 8, 8, 9, 8, 8, 7];

function print(cells: readonly string[]): void {
  const line = cells.map((cell, index) => {
    const width = WIDTHS[index] ?? 0;
    return index < 2 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${line.join(' ').trimEnd()}\n`);
}
