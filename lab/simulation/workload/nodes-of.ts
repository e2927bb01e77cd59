/** Nodes of an experiment from what it names: shapes, a CSV list, objects. Pure. */

import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { isJsonObject } from '../../../proto/api/json.ts';
import { parseQuantity } from '../../../proto/api/quantity.ts';
import { GPU_MODEL_LABEL, GPU_RESOURCE, WHOLE_GPU } from '../../../scheduler/gpu/gpu-request.ts';
import type { GeneratedNodes } from '../experiment/experiment.ts';
import type { CsvRow } from './csv.ts';

/** What fits into memory with some hundred thousand pods; above it a mistake is likelier than a wish. */
export const NODES_MAX = 50_000;

/** A list without a column of pods: no limit worth the name. */
const PODS_UNLIMITED = '10000';

export function generatedNodes({ count, name, ...shape }: GeneratedNodes): readonly Node[] {
  const width = Math.max(4, String(count - 1).length);
  return Array.from({ length: count }, (_, index) =>
    newNode({ ...shape, name: `${name}-${String(index).padStart(width, '0')}` }),
  );
}

/** Throws an Error that names the column that is missing or the row that is wrong. */
export function nodesFromCsv(columns: readonly string[], rows: readonly CsvRow[]): readonly Node[] {
  const isOpenb = columns.includes('sn');
  const wanted = isOpenb ? ['sn', 'cpu_milli', 'memory_mib'] : ['name', 'cpu', 'memory'];
  const missing = wanted.filter((column) => !columns.includes(column));
  if (missing.length > 0) throw new Error(`a node list needs the columns ${wanted.join(', ')}`);
  return rows.map((row, index) => {
    const fields = isOpenb
      ? { name: row.sn, cpu: `${row.cpu_milli}m`, memory: `${row.memory_mib}Mi` }
      : { name: row.name, cpu: row.cpu, memory: row.memory };
    const { name = '', cpu = '', memory = '' } = fields;
    const gpus = Number(row.gpu ?? 0);
    const pods = row.pods === undefined || row.pods === '' ? PODS_UNLIMITED : row.pods;
    const isGood = [cpu, memory, pods].every((text) => parseQuantity(text) !== undefined);
    if (name === '' || !isGood || !(Number.isInteger(gpus) && gpus >= 0)) {
      throw new Error(`line ${index + 2} is no node: ${Object.values(row).join(',')}`);
    }
    const allocatable: Record<string, string> = { cpu, memory, pods };
    if (gpus > 0) allocatable[GPU_RESOURCE] = String(gpus * WHOLE_GPU);
    const model = row.model ?? '';
    return newNode({
      name,
      allocatable,
      labels: model === '' ? {} : { [GPU_MODEL_LABEL]: model },
      taints: [],
    });
  });
}

/** Of a List, or of Node objects; what a node is made of and where it is stays, status aside. */
export function nodesFromObjects(objects: readonly unknown[]): readonly Node[] {
  const nodes: Node[] = [];
  for (const object of objects) {
    if (!isJsonObject(object)) continue;
    const { kind, items } = object;
    if (Array.isArray(items)) nodes.push(...nodesFromObjects(items));
    else if (kind === 'Node' || kind === undefined) nodes.push(cleanNode(object));
  }
  return nodes;
}

function cleanNode(object: object): Node {
  const { metadata, spec, status } = object as Partial<Node>;
  const name = metadata?.name ?? '';
  if (name === '' || status?.allocatable?.cpu === undefined) {
    throw new Error(`node "${name}" has no status.allocatable`);
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: name,
      resourceVersion: '',
      creationTimestamp: '',
      labels: metadata?.labels ?? {},
    },
    spec: {
      ...(spec?.taints === undefined ? {} : { taints: spec.taints }),
      ...(spec?.unschedulable === true ? { unschedulable: true } : {}),
    },
    status: {
      allocatable: status.allocatable,
      ...(status.images === undefined ? {} : { images: status.images }),
    },
  };
}

function newNode(of: Omit<GeneratedNodes, 'kind' | 'count'>): Node {
  const { name, allocatable, labels, taints } = of;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: name,
      resourceVersion: '',
      creationTimestamp: '',
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: taints.length === 0 ? {} : { taints },
    status: { allocatable },
  };
}
