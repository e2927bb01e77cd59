/**
 * What happened in a cluster, as `skiff sim record` writes it: the nodes, what became of them, and each
 * pod that came, with where it went. Times are milliseconds from the start of the recording.
 */

import { readFileSync } from 'node:fs';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { isJsonObject } from '../../../proto/api/json.ts';
import type { PodTemplate } from '../engine/scenario.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';

export interface Recording {
  readonly apiVersion: 'lab.skiff.dev/v1alpha1';
  readonly kind: 'Recording';
  /** When it began, as `2026-01-01T00:00:00.000Z`; nothing depends on it. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Every node that ever was, as it was first seen, in that order. */
  readonly nodes: readonly Node[];
  /** In the order of their times. */
  readonly nodeEvents: readonly RecordedNodeEvent[];
  /** Equal ones once; pods mean them by index. */
  readonly templates: readonly PodTemplate[];
  /** In the order in which they came. */
  readonly pods: readonly RecordedPod[];
}

/** From then on the node is so; without `node` it is gone. One that comes later begins so. */
export interface RecordedNodeEvent {
  readonly atMs: number;
  readonly name: string;
  readonly node?: Node;
}

export interface RecordedPod {
  /** `namespace/name` */
  readonly name: string;
  readonly template: number;
  readonly arrivalMs: number;
  /** Where it went, and when that was seen; absent: nowhere in this time. */
  readonly node?: string;
  readonly boundMs?: number;
  /** It ended, or was deleted. */
  readonly endMs?: number;
  /** It had its node when it was first seen: no decision of the time of the recording. */
  readonly isPlaced: boolean;
}

export const RECORDING_HEAD = { apiVersion: 'lab.skiff.dev/v1alpha1', kind: 'Recording' } as const;

/** One object a line: a recording can be looked at with grep, and sorted out with an editor. */
export function formatRecording(recording: Recording): string {
  const lists = ['nodes', 'nodeEvents', 'templates', 'pods'] as const;
  const { apiVersion, kind, startedAt, durationMs } = recording;
  const head = JSON.stringify({ apiVersion, kind, startedAt, durationMs }).slice(1, -1);
  const bodies = lists.map((name) => {
    const lines = recording[name].map((one) => JSON.stringify(one)).join(',\n');
    return `"${name}":[\n${lines}\n]`;
  });
  return `{${head},\n${bodies.join(',\n')}}\n`;
}

/** Throws an {@link ExperimentError} of one line. */
export function readRecording(file: string): Recording {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`;
    throw new ExperimentError(`${file} ${why}`, { cause });
  }
  return parseRecording(text, file);
}

export function parseRecording(text: string, file: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ExperimentError(`${file} is no recording: it is not JSON`, { cause });
  }
  const isRecording =
    isJsonObject(value) &&
    value.kind === RECORDING_HEAD.kind &&
    value.apiVersion === RECORDING_HEAD.apiVersion &&
    typeof value.durationMs === 'number' &&
    [value.nodes, value.nodeEvents, value.templates, value.pods].every(Array.isArray);
  if (!isRecording) {
    throw new ExperimentError(`${file} is no recording: "skiff sim record" writes one`);
  }
  const recording = value as unknown as Recording;
  const isWhole = recording.pods.every(
    ({ name, template, arrivalMs }) =>
      typeof name === 'string' &&
      arrivalMs >= 0 &&
      recording.templates[template]?.spec.containers !== undefined,
  );
  if (!isWhole) throw new ExperimentError(`${file} is damaged: a pod in it has no template`);
  return recording;
}
