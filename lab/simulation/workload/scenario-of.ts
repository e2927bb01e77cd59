/**
 * The scenario of one seed: the nodes, and the pods in the order in which they come. Pure: the same
 * inputs and seed give the same.
 */

import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { amountOf, resourcesOf } from '../../../scheduler/cache/resources.ts';
import { typicalPods } from '../../../scheduler/gpu/fragmentation.ts';
import {
  GPU_MODEL_LABEL,
  GPU_RESOURCE,
  gpuRequestOf,
  NO_GPUS,
  WHOLE_GPU,
} from '../../../scheduler/gpu/gpu-request.ts';
import type { NodeChange, NodeFailure, PodTemplate, Scenario } from '../engine/scenario.ts';
import type { FailureSpec, GeneratedPods } from '../experiment/experiment.ts';
import { contentHash } from '../result/content-hash.ts';
import type { Arrivals, NodeKindInfo, PodClassInfo, ResourceInfo } from '../result/run-result.ts';
import { generatedPods } from './generated-pods.ts';
import type { PodRow } from './pod-rows.ts';
import { newStream, shuffle } from './random-stream.ts';

const HOSTNAME_LABEL = 'kubernetes.io/hostname';
/** Enough for every node that an experiment may have. */
const NUMBER_DIGITS = 6;

/** All that was read for an experiment: from here on nothing is read any more. */
export interface Inputs {
  readonly nodes: readonly Node[];
  readonly shuffleNodes: boolean;
  readonly failures?: FailureSpec;
  /** Absent: none. */
  readonly changes?: readonly NodeChange[];
  readonly pods: readonly PodInput[];
  readonly shuffle: boolean;
  readonly inflate: number;
  readonly horizonMs: number;
}

/** Pods that are the same for every seed, or that each seed draws. */
export type PodInput =
  | { readonly kind: 'rows'; readonly rows: readonly PodRow[] }
  | { readonly kind: 'drawn'; readonly source: GeneratedPods };

export function scenarioOf(inputs: Inputs, seed: number): Scenario {
  const nodes = inputs.shuffleNodes ? renumbered(inputs.nodes, seed) : inputs.nodes;
  const drawn = inputs.pods.flatMap((input) =>
    input.kind === 'rows' ? input.rows : generatedPods(input.source, seed),
  );
  const templates = [...new Set(drawn.map(({ template }) => template))];
  const resources = resourcesOfAll(nodes, templates);
  const classes = templates.map((template) => classOf(template, resources));
  const classIndex = new Map(templates.map((template, index) => [template, index]));
  const { nodeKinds, nodeKind } = kindsOf(nodes, resources);
  const capacity = resources.map((_, index) =>
    nodeKinds.reduce((sum, kind) => sum + kind.count * (kind.capacity[index] ?? 0), 0),
  );
  const counts = new Map<PodTemplate, number>();
  for (const { template } of drawn) counts.set(template, (counts.get(template) ?? 0) + 1);
  const typical = typicalPods(
    classes.map(({ requests, gpu, gpuModels }, index) => {
      const template = templates[index];
      const pods = template === undefined ? 0 : (counts.get(template) ?? 0);
      return { milliCpu: requests[0] ?? 0, gpu, models: gpuModels, pods };
    }),
  );
  const requestOf = ({ template }: PodRow, resource: number): number =>
    classes[classIndex.get(template) ?? 0]?.requests[resource] ?? 0;
  const rows = ordered(inputs, drawn, seed, { capacity, resources, requestOf });
  const gangs = [
    ...new Map(
      rows.flatMap(({ gang }) => (gang === undefined ? [] : [[gang.name, gang]])),
    ).values(),
  ];
  const gangIndex = new Map(gangs.map(({ name }, index) => [name, index]));
  const failures = failuresOf(inputs, seed);
  const content: Omit<Arrivals, 'traceHash'> = {
    seed,
    nodeNames: nodes.map(({ metadata }) => metadata.name),
    nodeKinds,
    nodeKind,
    podNames: rows.map(({ name }) => name),
    podClasses: classes,
    podClass: Uint32Array.from(rows, ({ template }) => classIndex.get(template) ?? 0),
    arrivalMs: Float64Array.from(rows, ({ arrivalMs }) => arrivalMs),
    durationMs: Float64Array.from(rows, ({ durationMs }) => durationMs),
    gang: Int32Array.from(rows, ({ gang }) => gangIndex.get(gang?.name ?? '') ?? -1),
    gangs,
  };
  const changes = inputs.changes === undefined ? {} : { changes: inputs.changes };
  const traceHash = contentHash({ content, nodes, templates, failures, ...changes });
  const arrivals = { ...content, traceHash };
  return { resources, arrivals, nodes, templates, failures, ...changes, typical };
}

/** In an order drawn by the seed, with names that are in this order too. */
function renumbered(nodes: readonly Node[], seed: number): readonly Node[] {
  const drawn = [...nodes];
  shuffle(drawn, newStream(seed, 'nodes'));
  return drawn.map((node, index) => {
    const name = `${String(index).padStart(NUMBER_DIGITS, '0')}-${node.metadata.name}`;
    const labels = { ...node.metadata.labels, [HOSTNAME_LABEL]: name };
    return { ...node, metadata: { ...node.metadata, name, labels } };
  });
}

interface Sizes {
  readonly capacity: readonly number[];
  readonly resources: readonly ResourceInfo[];
  readonly requestOf: (row: PodRow, resource: number) => number;
}

/** Shuffled and filled up as the experiment says; names stay unique. */
function ordered(
  inputs: Inputs,
  drawn: readonly PodRow[],
  seed: number,
  sizes: Sizes,
): readonly PodRow[] {
  const rows = [...drawn];
  if (inputs.shuffle) shuffle(rows, newStream(seed, 'shuffle'));
  else rows.sort((a, b) => a.arrivalMs - b.arrivalMs);
  if (inputs.inflate === 0 || rows.length === 0) return unique(rows);
  const gpu = sizes.resources.findIndex(({ name }) => name === GPU_RESOURCE);
  const axis = gpu !== -1 && (sizes.capacity[gpu] ?? 0) > 0 ? gpu : 0;
  const limit = (sizes.capacity[axis] ?? 0) * inputs.inflate;
  const random = newStream(seed, 'inflate');
  const filled: PodRow[] = [];
  let asked = 0;
  const askedMax = rows.reduce((most, row) => Math.max(most, sizes.requestOf(row, axis)), 0);
  if (askedMax === 0)
    throw new Error(`no pod asks for ${sizes.resources[axis]?.name}: nothing to inflate`);
  for (;;) {
    const row = rows[filled.length] ?? rows[Math.floor(random() * rows.length)];
    if (row === undefined) break;
    asked += sizes.requestOf(row, axis);
    if (asked > limit) break;
    filled.push(row);
  }
  return unique(filled);
}

function unique(rows: readonly PodRow[]): readonly PodRow[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const times = seen.get(row.name) ?? 0;
    seen.set(row.name, times + 1);
    return times === 0 ? row : { ...row, name: `${row.name}.${times}` };
  });
}

/** CPU and memory, then GPUs, then whatever else a pod asks for or a node has. */
function resourcesOfAll(
  nodes: readonly Node[],
  templates: readonly PodTemplate[],
): readonly ResourceInfo[] {
  const more = new Set<string>();
  for (const { status } of nodes)
    for (const name of resourcesOf(status.allocatable).scalars.keys()) more.add(name);
  for (const template of templates) {
    for (const name of infoOf(template).requests.scalars.keys()) more.add(name);
  }
  const others = [...more].filter((name) => name !== GPU_RESOURCE).sort();
  return [
    { name: 'cpu', unit: 'milli' },
    { name: 'memory', unit: 'bytes' },
    ...(more.has(GPU_RESOURCE) ? [{ name: GPU_RESOURCE, unit: 'units' as const }] : []),
    ...others.map((name) => ({ name, unit: 'units' as const })),
  ];
}

function infoOf({ metadata, spec }: PodTemplate): ReturnType<typeof newPodInfo> {
  return newPodInfo({ apiVersion: 'v1', kind: 'Pod', metadata, spec, status: {} });
}

function classOf(template: PodTemplate, resources: readonly ResourceInfo[]): PodClassInfo {
  const info = infoOf(template);
  const required =
    template.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const models = required?.nodeSelectorTerms.flatMap(({ matchExpressions = [] }) =>
    matchExpressions.flatMap(({ key, operator, values = [] }) =>
      key === GPU_MODEL_LABEL && operator === 'In' ? values : [],
    ),
  );
  return {
    requests: resources.map(({ name }) => amountOf(info.requests, name)),
    gpu: gpuRequestOf(info) ?? NO_GPUS,
    gpuModels: models ?? [],
    priority: template.spec.priority ?? 0,
    tenant: template.metadata.namespace ?? 'default',
  };
}

function kindsOf(
  nodes: readonly Node[],
  resources: readonly ResourceInfo[],
): { readonly nodeKinds: readonly NodeKindInfo[]; readonly nodeKind: Uint32Array } {
  const kinds: (NodeKindInfo & { count: number })[] = [];
  const index = new Map<string, number>();
  const nodeKind = Uint32Array.from(nodes, ({ metadata, spec, status }) => {
    const { 'kubernetes.io/hostname': _, ...labels } = metadata.labels ?? {};
    const key = JSON.stringify([status.allocatable, labels, spec.taints]);
    const known = index.get(key);
    if (known !== undefined) {
      const kind = kinds[known];
      if (kind !== undefined) kind.count += 1;
      return known;
    }
    const amounts = resourcesOf(status.allocatable);
    kinds.push({
      count: 1,
      capacity: resources.map(({ name }) => amountOf(amounts, name)),
      gpus: Math.floor((amounts.scalars.get(GPU_RESOURCE) ?? 0) / WHOLE_GPU),
      gpuModel: metadata.labels?.[GPU_MODEL_LABEL] ?? '',
    });
    index.set(key, kinds.length - 1);
    return kinds.length - 1;
  });
  return { nodeKinds: kinds, nodeKind };
}

/** Each node on its own, up to the horizon. */
function failuresOf({ failures, nodes, horizonMs }: Inputs, seed: number): readonly NodeFailure[] {
  if (failures === undefined) return [];
  const all = nodes.flatMap(({ metadata }, node) => {
    const random = newStream(seed, `failures/${metadata.name}`);
    const next = (meanMs: number): number => Math.ceil(-meanMs * Math.log(1 - random()));
    const own: NodeFailure[] = [];
    for (let atMs = next(failures.meanBetweenMs); atMs < horizonMs; ) {
      const repairedMs = atMs + Math.max(1, next(failures.meanRepairMs));
      own.push({ node, atMs, repairedMs });
      atMs = repairedMs + Math.max(1, next(failures.meanBetweenMs));
    }
    return own;
  });
  return all.sort((a, b) => a.atMs - b.atMs || a.node - b.node);
}
