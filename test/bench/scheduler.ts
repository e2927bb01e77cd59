/**
 * Pods that get a node in a second, in the workloads of upstream's scheduler_perf, beside the thresholds
 * that upstream's own run must reach. Mode `algorithm`: the queue, the decision and the assumption in one
 * process, without an API server. Mode `api`, for SchedulingBasic: through an API server and its store, by
 * the real scheduler process. `--only TEXT` takes the workloads whose name contains the text, `--mode
 * algorithm|api` one mode, `--nodes N --pods N` other sizes through the API.
 *
 * Pods per CPU second say what a machine of its own would give: others may be at work on this one.
 */

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { AlgorithmResult } from './scheduler/algorithm.ts';
import { measureThroughApi } from './scheduler/through-api.ts';
import { WORKLOADS, type Workload } from './scheduler/workloads.ts';

/** The one that goes through an API server as well, with 1,000 pods before. */
const THROUGH_API = 'SchedulingBasic/5000Nodes_10000Pods';
const ALGORITHM = path.join(import.meta.dirname, 'scheduler/algorithm.ts');

export async function bench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      mode: { type: 'string' },
      pods: { type: 'string', default: '10000' },
      nodes: { type: 'string', default: '5000' },
    },
  });
  const chosen = WORKLOADS.filter(({ name }) => name.includes(values.only));
  if (chosen.length === 0) throw new Error(`No workload has "${values.only}" in its name`);
  const workloads: Record<string, object> = {};
  print(HEADER);
  for (const workload of chosen) {
    const upstream = workload.upstream ?? null;
    const modes: Record<string, object> = {};
    if (values.mode !== 'api') {
      const result = runAlgorithm(workload);
      modes.algorithm = { ...result, upstream };
      report(workload, 'algorithm', result, [result.heapMb, result.rssMb, result.podsPerCpuSecond]);
    }
    if (values.mode !== 'algorithm' && workload.name === THROUGH_API) {
      const sizes = { nodes: Number(values.nodes), init: 1000, measured: Number(values.pods) };
      const result = await measureThroughApi(sizes);
      modes.api = { ...result, upstream };
      report(workload, 'api', result, ['', result.schedulerRssMb, '']);
    }
    workloads[workload.name] = modes;
  }
  return { workloads };
}

function report(
  { name, upstream }: Workload,
  mode: string,
  result: { readonly podsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number },
  more: readonly (number | string)[],
): void {
  const { podsPerSecond, p50Ms, p99Ms } = result;
  const ratio = upstream === undefined ? '' : `${(podsPerSecond / upstream).toFixed(1)}x`;
  const cells = [podsPerSecond, p50Ms, p99Ms, upstream ?? '', ratio, ...more];
  print([name, mode, ...cells.map(String)]);
}

function runAlgorithm({ name }: Workload): AlgorithmResult {
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...flags, ALGORITHM, name], { encoding: 'utf8' });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as AlgorithmResult;
}

const HEADER = 'workload,mode,pods/s,p50 ms,p99 ms,upstream,ratio,heap MB,RSS MB,pods/CPU s'.split(
  ',',
);
const WIDTHS = [66, 10, 8, 8, 8, 9, 8, 8, 7, 11];

function print(cells: readonly string[]): void {
  const line = cells.map((cell, index) => {
    const width = WIDTHS[index] ?? 0;
    return index < 2 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${line.join(' ').trimEnd()}\n`);
}
