/** Reads all files that an experiment names, and the nodes of a running cluster. After it, nothing is read. */

import { readFile } from 'node:fs/promises';
import { readManifests } from '../../../cli/manifests/read-manifests.ts';
import type { Client } from '../../../client/client.ts';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { nodes as nodesResource } from '../../../proto/api/gen/resources.ts';
import type { Experiment, NodeSource, PodSource } from '../experiment/experiment.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';
import { recordedChanges, recordedRows } from '../recording/recorded-inputs.ts';
import { readRecording } from '../recording/recording.ts';
import { type Csv, parseCsv } from '../workload/csv.ts';
import { podsFromManifests } from '../workload/manifest-pods.ts';
import { generatedNodes, nodesFromCsv, nodesFromObjects } from '../workload/nodes-of.ts';
import type { Inputs, PodInput } from '../workload/scenario-of.ts';
import { podsFromTrace } from '../workload/trace-pods.ts';

export type Connect = (kubeconfig: string) => Promise<Client>;

/** Throws an {@link ExperimentError} of one line that names the file. */
export async function loadInputs(
  { cluster, workload, options }: Experiment,
  connect: Connect,
  signal: AbortSignal,
): Promise<Inputs> {
  const nodes: Node[] = [];
  for (const source of cluster.sources) nodes.push(...(await nodesOf(source, connect, signal)));
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  if (names.size < nodes.length) {
    throw new ExperimentError(
      'two nodes have the same name: give each entry of cluster.nodes a name',
    );
  }
  const pods: PodInput[] = [];
  for (const source of workload.sources) pods.push(await podsOf(source));
  const { shuffle, inflate } = workload;
  const { failures } = cluster;
  const { horizonMs } = options;
  if (cluster.shuffle && cluster.sources.some(({ kind }) => kind === 'recording')) {
    throw new ExperimentError('cluster.shuffle: the nodes of a recording are what its pods want');
  }
  const changes = cluster.sources.flatMap((source) =>
    source.kind === 'recording' ? recordedChanges(readRecording(source.file), nodes) : [],
  );
  return {
    nodes,
    shuffleNodes: cluster.shuffle,
    pods,
    shuffle,
    inflate,
    horizonMs,
    ...(failures === undefined ? {} : { failures }),
    ...(changes.length === 0 ? {} : { changes }),
  };
}

async function nodesOf(
  source: NodeSource,
  connect: Connect,
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const file = source.kind === 'generated' ? source.name : source.file;
  return await naming(file, async () => {
    switch (source.kind) {
      case 'generated':
        return generatedNodes(source);
      case 'csv': {
        const { columns, rows } = await readCsv(source.file);
        return nodesFromCsv(columns, rows);
      }
      case 'objects':
        return nodesFromObjects(readManifests([source.file], () => ''));
      case 'recording':
        return readRecording(source.file).nodes;
      case 'kubeconfig': {
        const client = await connect(source.file);
        const { items } = await client.list(nodesResource, {}, signal);
        return nodesFromObjects(items);
      }
    }
  });
}

async function podsOf(source: PodSource): Promise<PodInput> {
  switch (source.kind) {
    case 'generated':
      return { kind: 'drawn', source };
    case 'trace':
      return await naming(source.file, async () => {
        const rows = podsFromTrace(await readCsv(source.file), source);
        if (rows.length === 0) throw new Error('the trace is empty');
        return { kind: 'rows', rows };
      });
    case 'recording':
      return { kind: 'rows', rows: recordedRows(readRecording(source.file)) };
    case 'manifests': {
      const rows = source.files.flatMap((file) => {
        const pods = podsFromManifests(
          readManifests([file], () => ''),
          source,
        );
        if (pods.length === 0) throw new ExperimentError(`${file}: makes no pods`);
        return pods;
      });
      return { kind: 'rows', rows };
    }
  }
}

async function readCsv(file: string): Promise<Csv> {
  return parseCsv(await readFile(file, 'utf8'));
}

async function naming<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'does not exist' : error instanceof Error ? error.message : String(error);
    throw new ExperimentError(`${file}: ${why}`, { cause: error });
  }
}
