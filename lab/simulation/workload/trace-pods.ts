/**
 * Pods from a trace in CSV, of one of two forms, told by the header.
 *
 * openb's: `name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec, creation_time, deletion_time, …`,
 * times in seconds, `gpu_spec` the models of GPU that will do, separated by `|`.
 *
 * The general one: `arrival` (seconds) and, each optional, `name`, `duration` (seconds; empty: never
 * ends), `cpu` (quantity), `memory` (quantity), `gpu` (0.25, 1, 4), `gpu_model` (`A|B`), `priority`,
 * `tenant` (the namespace), `count` (that many pods, all or none), `gang` (rows of the same name run all
 * or none). A job log as Philly's or Helios' is a rename of columns away.
 */

import { parseQuantity } from '../../../proto/api/quantity.ts';
import { GPU_RESOURCE, gpuRequestOfAmount } from '../../../scheduler/gpu/gpu-request.ts';
import type { Csv, CsvRow } from './csv.ts';
import { type PodRow, Templates } from './pod-rows.ts';

const OPENB = ['cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli'];
const KNOWN = new Set(
  'name arrival duration cpu memory gpu gpu_model priority tenant count gang'.split(' '),
);

export interface TraceOptions {
  readonly timeScale: number;
  readonly limit: number;
}

/** In the order of their arrival. Throws an Error that names the line or column that is wrong. */
export function podsFromTrace({ columns, rows }: Csv, options: TraceOptions): readonly PodRow[] {
  const some = rows.slice(0, options.limit);
  const isOpenb = OPENB.every((column) => columns.includes(column));
  const pods = isOpenb ? openbPods(some) : generalPods(columns, some);
  const scaled = pods.map((pod) => ({
    ...pod,
    arrivalMs: pod.arrivalMs * options.timeScale,
    durationMs: pod.durationMs * options.timeScale,
  }));
  return scaled.sort((a, b) => a.arrivalMs - b.arrivalMs);
}

function openbPods(rows: readonly CsvRow[]): readonly PodRow[] {
  const templates = new Templates();
  return rows.map((row, index) => {
    const number = (column: string): number => numberAt(row, column, index);
    const gpuMilli = number('num_gpu') * number('gpu_milli');
    const requests: Record<string, string> = {
      cpu: `${number('cpu_milli')}m`,
      memory: `${number('memory_mib')}Mi`,
    };
    if (gpuMilli > 0) requests[GPU_RESOURCE] = String(gpuMilli);
    const gpuModels = (row.gpu_spec ?? '').split('|').filter((model) => model !== '');
    const createdMs = 1000 * number('creation_time');
    return {
      name: row.name ?? `pod-${index}`,
      template: templates.of({ requests, tenant: 'default', priority: 0, gpuModels }),
      arrivalMs: createdMs,
      durationMs: Math.max(0, 1000 * number('deletion_time') - createdMs),
    };
  });
}

function generalPods(columns: readonly string[], rows: readonly CsvRow[]): readonly PodRow[] {
  const unknown = columns.find((column) => !KNOWN.has(column));
  if (unknown !== undefined)
    throw new Error(`column "${unknown}" is not one of ${[...KNOWN].join(', ')}`);
  if (!columns.includes('arrival')) throw new Error('a trace needs the column arrival, in seconds');
  const templates = new Templates();
  const gangSizes = new Map<string, number>();
  for (const { gang = '' } of rows) gangSizes.set(gang, (gangSizes.get(gang) ?? 0) + 1);
  return rows.flatMap((row, index) => {
    const { gang = '', gpu_model: models = '', tenant = '' } = row;
    const name = row.name === undefined || row.name === '' ? `pod-${index}` : row.name;
    const count = row.count === undefined || row.count === '' ? 1 : numberAt(row, 'count', index);
    const template = templates.of({
      requests: requestsOf(row, index),
      tenant: tenant === '' ? 'default' : tenant,
      priority: row.priority ? numberAt(row, 'priority', index) : 0,
      gpuModels: models.split('|').filter((model) => model !== ''),
    });
    const arrivalMs = 1000 * numberAt(row, 'arrival', index);
    const durationMs = row.duration
      ? 1000 * numberAt(row, 'duration', index)
      : Number.POSITIVE_INFINITY;
    const pod = { name, template, arrivalMs, durationMs };
    if (gang !== '') {
      return [{ ...pod, gang: { name: gang, minCount: gangSizes.get(gang) ?? 1 } }];
    }
    if (count === 1) return [pod];
    return Array.from({ length: count }, (_, member) => ({
      ...pod,
      name: `${name}-${member}`,
      gang: { name, minCount: count },
    }));
  });
}

function requestsOf(row: CsvRow, index: number): Record<string, string> {
  const requests: Record<string, string> = {};
  for (const column of ['cpu', 'memory'] as const) {
    const text = row[column] ?? '';
    if (text === '') continue;
    if (parseQuantity(text) === undefined) throw wrong(index, column, text);
    requests[column] = text;
  }
  const milli = row.gpu ? Math.round(1000 * numberAt(row, 'gpu', index)) : 0;
  if (gpuRequestOfAmount(milli) === undefined) throw wrong(index, 'gpu', row.gpu ?? '');
  if (milli > 0) requests[GPU_RESOURCE] = String(milli);
  return requests;
}

function numberAt(row: CsvRow, column: string, index: number): number {
  const text = row[column] ?? '';
  const value = text === '' ? Number.NaN : Number(text);
  if (value >= 0 && Number.isFinite(value)) return value;
  throw wrong(index, column, text);
}

function wrong(index: number, column: string, text: string): Error {
  return new Error(`line ${index + 2}: ${column} can't be "${text}"`);
}
