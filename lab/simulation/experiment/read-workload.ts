/** The `workload` of an experiment: which pods come, when, and for how long. */

import type { FieldReader } from '../../../scheduler/config/field-reader.ts';
import { GPU_RESOURCE, gpuRequestOfAmount } from '../../../scheduler/gpu/gpu-request.ts';
import type {
  ArrivalProcess,
  Distribution,
  PodClassSpec,
  PodSource,
  WorkloadSpec,
} from './experiment.ts';
import { readQuantity, readTime } from './units.ts';

type Resolve = (name: string) => string;

/** Of one generator. */
const PODS_MAX = 1_000_000;
const INFINITE = Number.POSITIVE_INFINITY;

export function readWorkload(root: FieldReader, resolve: Resolve): WorkloadSpec {
  const reader = root.object('workload');
  if (reader === undefined) {
    root.invalid('workload', null, 'must say which pods come');
    return { sources: [], shuffle: false, inflate: 0 };
  }
  const readers = reader.objects('pods');
  if (readers.length === 0) reader.invalid('pods', [], 'must have at least one entry');
  const sources = readers.flatMap((one, index) => {
    const source = readPodSource(one, index, resolve);
    one.end();
    return source === undefined ? [] : [source];
  });
  const shuffle = reader.boolean('shuffle') ?? false;
  const inflate = numberOf(reader, 'inflate', 0, 100) ?? 0;
  reader.end();
  return { sources, shuffle, inflate };
}

function readPodSource(
  reader: FieldReader,
  index: number,
  resolve: Resolve,
): PodSource | undefined {
  const trace = reader.string('trace');
  const manifests = reader.has('manifests') ? reader.strings('manifests') : undefined;
  const recording = reader.string('recording');
  const count = reader.integer('count');
  const given = [trace, manifests, recording, count].filter((one) => one !== undefined);
  if (given.length !== 1) {
    reader.invalid('', given, 'give one of "trace", "manifests", "recording", "count"');
    return undefined;
  }
  if (recording !== undefined) return { kind: 'recording', file: resolve(recording) };
  if (trace !== undefined) {
    const timeScale = numberOf(reader, 'timeScale', 1e-9, 1e9) ?? 1;
    const limit = reader.integer('limit');
    if (limit !== undefined && limit < 1) reader.invalid('limit', limit, 'must be at least 1');
    return { kind: 'trace', file: resolve(trace), timeScale, limit: limit ?? INFINITE };
  }
  if (manifests !== undefined) {
    const atMs = timeOf(reader, 'at') ?? 0;
    const durationMs = timeOf(reader, 'duration') ?? INFINITE;
    return { kind: 'manifests', files: manifests.map(resolve), atMs, durationMs };
  }
  if (count === undefined || count < 1 || count > PODS_MAX) {
    reader.invalid('count', count, `must be 1 to ${PODS_MAX}`);
  }
  const classes = reader.objects('classes').map((one) => {
    const podClass = readClass(one);
    one.end();
    return podClass;
  });
  if (classes.length === 0) reader.invalid('classes', [], 'must have at least one entry');
  const arrivals = readArrivals(reader);
  const name = reader.string('name') ?? `pods-${index}`;
  return { kind: 'generated', name, pods: count ?? 1, arrivals, classes };
}

function readArrivals(parent: FieldReader): ArrivalProcess {
  const reader = parent.object('arrivals');
  if (reader === undefined) return { kind: 'at-once' };
  const kind = reader.string('kind') ?? '';
  const perHour = kind === 'at-once' ? 1 : numberOf(reader, 'perHour', 1e-6, 1e9);
  const process = processOf(reader, kind, perHour ?? 1);
  if (process === undefined) {
    const kinds = 'at-once, poisson, bursty, diurnal, heavy-tailed';
    reader.invalid('kind', kind, `must be one of ${kinds}`);
  } else if (perHour === undefined) reader.invalid('perHour', null, 'must be given');
  reader.end();
  return process ?? { kind: 'at-once' };
}

function processOf(reader: FieldReader, kind: string, perHour: number): ArrivalProcess | undefined {
  switch (kind) {
    case 'at-once':
      return { kind };
    case 'poisson':
      return { kind, perHour };
    case 'bursty':
      return { kind, perHour, burst: numberOf(reader, 'burst', 1, 1e6) ?? 20 };
    case 'diurnal': {
      const peakToTrough = numberOf(reader, 'peakToTrough', 1, 1e6) ?? 4;
      return { kind, perHour, peakToTrough, periodMs: timeOf(reader, 'period') ?? 86_400_000 };
    }
    case 'heavy-tailed':
      return { kind, perHour, alpha: numberOf(reader, 'alpha', 1.01, 100) ?? 1.5 };
    default:
      return undefined;
  }
}

function readClass(reader: FieldReader): PodClassSpec {
  const requests: Record<string, string> = {};
  for (const name of ['cpu', 'memory'] as const) {
    const raw = reader.raw(name);
    const quantity = readQuantity(raw);
    if (quantity !== undefined) requests[name] = quantity;
    else if (raw !== undefined) reader.invalid(name, raw, 'must be a quantity such as 500m or 2Gi');
  }
  const gpu = numberOf(reader, 'gpu', 0, 1024);
  if (gpu !== undefined && gpu > 0) {
    const milli = Math.round(gpu * 1000);
    if (gpuRequestOfAmount(milli) === undefined) {
      reader.invalid('gpu', gpu, 'must be a part of one (0.25) or whole ones (2)');
    }
    requests[GPU_RESOURCE] = String(milli);
  }
  const more = reader.object('resources');
  for (const name of more?.names ?? []) {
    const quantity = readQuantity(more?.raw(name));
    if (quantity === undefined) more?.invalid(name, more.raw(name), 'must be a quantity');
    else requests[name] = quantity;
  }
  const gang = reader.integer('gang') ?? 1;
  if (gang < 1 || gang > 10_000) reader.invalid('gang', gang, 'must be 1 to 10000');
  return {
    weight: numberOf(reader, 'weight', 0, 1e9) ?? 1,
    requests,
    duration: readDistribution(reader),
    priority: reader.integer('priority') ?? 0,
    tenant: reader.string('tenant') ?? 'default',
    gang,
    gpuModels: reader.strings('gpuModels'),
  };
}

/** A time, or one of the distributions by name; absent: for ever. */
function readDistribution(parent: FieldReader): Distribution {
  const raw = parent.raw('duration');
  if (raw === undefined) return { kind: 'constant', value: INFINITE };
  if (typeof raw !== 'object') {
    return { kind: 'constant', value: timeOf(parent, 'duration') ?? INFINITE };
  }
  const reader = parent.object('duration');
  const [name = '', ...others] = reader?.names ?? [];
  const of = reader?.object(name);
  const time = (field: string): number => {
    if (of?.has(field) !== true) of?.invalid(field, null, 'must be given');
    return (of === undefined ? undefined : timeOf(of, field)) ?? 1;
  };
  const number = (field: string, otherwise: number): number =>
    (of === undefined ? undefined : numberOf(of, field, 1e-9, 1e9)) ?? otherwise;
  let result: Distribution | undefined;
  if (name === 'exponential') result = { kind: name, mean: time('mean') };
  if (name === 'lognormal')
    result = { kind: name, median: time('median'), sigma: number('sigma', 1) };
  if (name === 'uniform') result = { kind: name, min: time('min'), max: time('max') };
  if (name === 'pareto') {
    const max = of?.has('max') === true ? time('max') : INFINITE;
    result = { kind: name, min: time('min'), alpha: number('alpha', 1.5), max };
  }
  of?.end();
  if (result === undefined || others.length > 0) {
    const kinds = 'exponential, lognormal, pareto, uniform';
    parent.invalid('duration', raw, `must be a time such as 90s, or one of ${kinds}`);
  }
  return result ?? { kind: 'constant', value: INFINITE };
}

function timeOf(reader: FieldReader, name: string): number | undefined {
  const raw = reader.raw(name);
  const ms = readTime(raw);
  if (raw !== undefined && ms === undefined) {
    reader.invalid(name, raw, 'must be a time such as 90s, 10m or 1h30m');
  }
  return ms;
}

function numberOf(reader: FieldReader, name: string, min: number, max: number): number | undefined {
  const raw = reader.raw(name);
  if (raw === undefined) return undefined;
  if (typeof raw === 'number' && raw >= min && raw <= max) return raw;
  reader.invalid(name, raw, `must be a number from ${min} to ${max}`);
  return undefined;
}
