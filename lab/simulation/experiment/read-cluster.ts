/** The `cluster` of an experiment: which nodes there are, and how they fail. */

import type { Taint } from '../../../proto/api/gen/core-v1.ts';
import type { FieldReader } from '../../../scheduler/config/field-reader.ts';
import { GPU_MODEL_LABEL, GPU_RESOURCE, WHOLE_GPU } from '../../../scheduler/gpu/gpu-request.ts';
import { NODES_MAX } from '../workload/nodes-of.ts';
import type { ClusterSpec, FailureSpec, NodeSource } from './experiment.ts';
import { readQuantity, readTime } from './units.ts';

type Resolve = (name: string) => string;

export function readCluster(root: FieldReader, resolve: Resolve): ClusterSpec {
  const reader = root.object('cluster');
  if (reader === undefined) {
    root.invalid('cluster', null, 'must say which nodes there are');
    return { sources: [], shuffle: false };
  }
  const readers = reader.objects('nodes');
  if (readers.length === 0) reader.invalid('nodes', [], 'must have at least one entry');
  const sources = readers.flatMap((one, index) => {
    const source = readNodeSource(one, index, resolve);
    one.end();
    return source === undefined ? [] : [source];
  });
  const failures = readFailures(reader.object('failures'));
  const shuffle = reader.boolean('shuffle') ?? false;
  reader.end();
  return { sources, shuffle, ...(failures === undefined ? {} : { failures }) };
}

function readNodeSource(
  reader: FieldReader,
  index: number,
  resolve: Resolve,
): NodeSource | undefined {
  const files = { csv: reader.string('csv'), objects: reader.string('objects') };
  const kubeconfig = reader.string('kubeconfig');
  const recording = reader.string('recording');
  const count = reader.integer('count');
  const given = [files.csv, files.objects, kubeconfig, recording, count].filter(
    (one) => one !== undefined,
  );
  if (given.length !== 1) {
    reader.invalid('', given, 'give one of "count", "csv", "objects", "kubeconfig", "recording"');
    return undefined;
  }
  if (files.csv !== undefined) return { kind: 'csv', file: resolve(files.csv) };
  if (files.objects !== undefined) return { kind: 'objects', file: resolve(files.objects) };
  if (recording !== undefined) return { kind: 'recording', file: resolve(recording) };
  if (kubeconfig !== undefined) return { kind: 'kubeconfig', file: resolve(kubeconfig) };
  if (count === undefined || count < 1 || count > NODES_MAX) {
    reader.invalid('count', count, `must be 1 to ${NODES_MAX}`);
  }
  const allocatable: Record<string, string> = { pods: '110' };
  for (const name of ['cpu', 'memory', 'pods']) {
    const raw = reader.raw(name);
    const quantity = readQuantity(raw);
    if (raw !== undefined && quantity === undefined) {
      reader.invalid(name, raw, 'must be a quantity such as 500m, 4 or 16Gi');
    } else if (quantity !== undefined) allocatable[name] = quantity;
  }
  for (const name of ['cpu', 'memory'] as const) {
    if (allocatable[name] === undefined) reader.invalid(name, null, 'must be given');
  }
  const labels = readLabels(reader);
  readGpus(reader, allocatable, labels);
  readMore(reader, allocatable);
  return {
    kind: 'generated',
    count: count ?? 1,
    name: reader.string('name') ?? `node-${index}`,
    allocatable,
    labels,
    taints: readTaints(reader),
  };
}

/** `gpus: 8` and `gpuModel: V100` are short for the extended resource and the label. */
function readGpus(
  reader: FieldReader,
  allocatable: Record<string, string>,
  labels: Record<string, string>,
): void {
  const gpus = reader.integer('gpus');
  const model = reader.string('gpuModel');
  if (gpus !== undefined && (gpus < 0 || gpus > 1024))
    reader.invalid('gpus', gpus, 'must be 0 to 1024');
  if (gpus !== undefined && gpus > 0) allocatable[GPU_RESOURCE] = String(gpus * WHOLE_GPU);
  if (model !== undefined) labels[GPU_MODEL_LABEL] = model;
}

function readMore(reader: FieldReader, allocatable: Record<string, string>): void {
  const more = reader.object('resources');
  for (const name of more?.names ?? []) {
    const quantity = readQuantity(more?.raw(name));
    if (quantity === undefined) more?.invalid(name, more.raw(name), 'must be a quantity');
    else allocatable[name] = quantity;
  }
}

function readLabels(reader: FieldReader): Record<string, string> {
  const labels: Record<string, string> = {};
  const own = reader.object('labels');
  for (const name of own?.names ?? []) labels[name] = own?.string(name) ?? '';
  return labels;
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

function readTaints(reader: FieldReader): readonly Taint[] {
  return reader.objects('taints').map((taint) => {
    const [key = '', value, effect] = ['key', 'value', 'effect'].map((name) => taint.string(name));
    const known = EFFECTS.find((one) => one === effect);
    if (key === '') taint.invalid('key', key, 'must be given');
    if (known === undefined)
      taint.invalid('effect', effect, `must be one of ${EFFECTS.join(', ')}`);
    taint.end();
    return { key, ...(value === undefined ? {} : { value }), effect: known ?? 'NoSchedule' };
  });
}

function readFailures(reader: FieldReader | undefined): FailureSpec | undefined {
  if (reader === undefined) return undefined;
  const timeOf = (name: string): number => {
    const raw = reader.raw(name);
    const ms = readTime(raw);
    if (ms === undefined || ms === 0)
      reader.invalid(name, raw, 'must be a time such as 72h, above 0');
    return ms ?? 1;
  };
  const failures = {
    meanBetweenMs: timeOf('meanTimeBetween'),
    meanRepairMs: timeOf('meanTimeToRepair'),
  };
  reader.end();
  return failures;
}
