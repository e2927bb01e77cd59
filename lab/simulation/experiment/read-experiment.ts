/**
 * Reads an experiment (YAML or JSON) strictly: what doesn't exist or can't be is refused by its path,
 * all of it in one line. Files are named relative to the experiment's own folder.
 */

import path from 'node:path';
import { parseYamlBody } from '../../../proto/api/yaml-body.ts';
import { FieldReader, type Problems } from '../../../scheduler/config/field-reader.ts';
import { WholeError } from '../../commands/usage-error.ts';
import type { Experiment, ExperimentOptions, ParameterSpec, PolicySpec } from './experiment.ts';
import { readCluster } from './read-cluster.ts';
import { readWorkload } from './read-workload.ts';
import { readTime } from './units.ts';

/** What is wrong with an experiment, or with a file that it names, in one line. */
export class ExperimentError extends WholeError {
  override readonly name = 'ExperimentError';
}

const API_VERSION = 'lab.skiff.dev/v1alpha1';
/** A run each: more is a mistake in the file. */
const SEEDS_MAX = 1_000;
const TIE_BREAKS = ['first', 'name', 'random', 'heap135'] as const;

/** Throws an {@link ExperimentError}. `file` is what the text was read from, or would be. */
export function readExperiment(text: string, file: string): Experiment {
  const problems: Problems = { decoding: [], values: [] };
  const reader = new FieldReader(parse(text, file, problems), '', problems);
  const [kind, version] = [reader.string('kind'), reader.string('apiVersion')];
  if (kind !== 'Experiment' || version !== API_VERSION) {
    throw new ExperimentError(
      `${file}: begin with "apiVersion: ${API_VERSION}" and "kind: Experiment"`,
    );
  }
  const resolve = (name: string): string => path.resolve(path.dirname(file), name);
  const mode = oneOf(reader, 'mode', ['once', 'queued']) ?? 'queued';
  const experiment: Experiment = {
    name: reader.string('name') ?? path.basename(file).replace(/\.[^.]*$/, ''),
    description: reader.string('description') ?? '',
    mode,
    cluster: readCluster(reader, resolve),
    workload: readWorkload(reader, resolve),
    policies: readPolicies(reader, resolve),
    seeds: readSeeds(reader),
    options: readOptions(reader),
  };
  reader.end();
  if (experiment.cluster.failures !== undefined) {
    if (mode === 'once') reader.invalid('cluster.failures', mode, 'needs "mode: queued"');
    else if (experiment.options.horizonMs === Number.POSITIVE_INFINITY) {
      reader.invalid('options.horizon', null, 'must be given when nodes fail');
    }
  }
  const all = [...problems.decoding, ...problems.values];
  if (all.length > 0) throw new ExperimentError(`${file}: ${all.join('; ')}`);
  return experiment;
}

function parse(text: string, file: string, problems: Problems): unknown {
  try {
    const { value, duplicates } = parseYamlBody(text);
    problems.decoding.push(...duplicates);
    return value;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ExperimentError(`${file}: ${why.replaceAll('\n', ' ')}`, { cause: error });
  }
}

export function oneOf<T extends string>(
  reader: FieldReader,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const value = reader.string(name);
  const found = allowed.find((one) => one === value);
  if (value !== undefined && found === undefined) {
    reader.invalid(name, value, `must be one of ${allowed.join(', ')}`);
  }
  return found;
}

function readPolicies(reader: FieldReader, resolve: (name: string) => string): PolicySpec[] {
  const readers = reader.objects('policies');
  if (readers.length === 0) reader.invalid('policies', [], 'must name at least one policy');
  const names = new Set<string>();
  return readers.flatMap((one) => {
    const policy = readPolicy(one, resolve);
    one.end();
    if (policy === undefined) return [];
    if (names.has(policy.name)) one.invalid('name', policy.name, 'is the name of another policy');
    names.add(policy.name);
    return [policy];
  });
}

function readPolicy(
  reader: FieldReader,
  resolve: (name: string) => string,
): PolicySpec | undefined {
  const file = reader.string('file');
  const profile = reader.string('profile');
  const isDefault = reader.boolean('default');
  const given = [file, profile, isDefault].filter((value) => value !== undefined);
  if (given.length !== 1 || isDefault === false) {
    reader.invalid('', given, 'give one of "file" (TypeScript), "profile" (YAML), "default: true"');
    return undefined;
  }
  const name = reader.string('name');
  const description = reader.string('description') ?? '';
  if (file !== undefined) {
    const base = path.basename(file).replace(/\.[^.]*$/, '');
    const parameters = readParameters(reader.object('parameters'));
    return { kind: 'file', name: name ?? base, description, file: resolve(file), parameters };
  }
  if (profile !== undefined) {
    const schedulerName = reader.string('schedulerName');
    const base = schedulerName ?? path.basename(profile).replace(/\.[^.]*$/, '');
    const which = schedulerName === undefined ? {} : { profile: schedulerName };
    return { kind: 'profile', name: name ?? base, description, file: resolve(profile), ...which };
  }
  return { kind: 'default', name: name ?? 'default', description };
}

/** A value is a number, a text, true or false, or `{ typicalPods: true }`. */
function readParameters(reader: FieldReader | undefined): ParameterSpec {
  const values: Record<string, number | string | boolean> = {};
  const typicalPods: string[] = [];
  for (const name of reader?.names ?? []) {
    const value = reader?.raw(name);
    if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
      values[name] = value;
    } else if (JSON.stringify(value) === '{"typicalPods":true}') typicalPods.push(name);
    else
      reader?.invalid(name, value, 'must be a number, a text, true, false or {typicalPods: true}');
  }
  return { values, typicalPods };
}

/** A list, or `{ first, count }`; 1 when absent. */
function readSeeds(reader: FieldReader): readonly number[] {
  const raw = reader.raw('seeds');
  if (raw === undefined) return [1];
  let seeds: readonly unknown[];
  if (Array.isArray(raw)) seeds = raw;
  else {
    const range = reader.object('seeds');
    const first = range?.integer('first') ?? 1;
    const count = range?.integer('count') ?? 0;
    range?.end();
    seeds = Array.from(
      { length: Math.min(Math.max(count, 0), SEEDS_MAX + 1) },
      (_, i) => first + i,
    );
  }
  const isGood =
    seeds.length > 0 &&
    seeds.length <= SEEDS_MAX &&
    seeds.every((seed) => Number.isSafeInteger(seed) && Number(seed) >= 0) &&
    new Set(seeds).size === seeds.length;
  if (!isGood) {
    reader.invalid(
      'seeds',
      raw,
      `must be 1 to ${SEEDS_MAX} different whole numbers, or {first, count}`,
    );
  }
  return isGood ? seeds.map(Number) : [1];
}

function readOptions(root: FieldReader): ExperimentOptions {
  const reader = root.object('options');
  const percentage = reader?.integer('percentageOfNodesToScore') ?? 0;
  if (percentage < 0 || percentage > 100) {
    reader?.invalid('percentageOfNodesToScore', percentage, 'must be 0 (adaptive) to 100');
  }
  const tieBreak = reader === undefined ? undefined : oneOf(reader, 'tieBreak', TIE_BREAKS);
  const horizon = reader?.raw('horizon');
  const horizonMs = horizon === undefined ? Number.POSITIVE_INFINITY : readTime(horizon);
  if (horizonMs === undefined) reader?.invalid('horizon', horizon, 'must be a time such as 36h');
  reader?.end();
  return {
    percentageOfNodesToScore: percentage,
    tieBreak: tieBreak ?? 'random',
    horizonMs: horizonMs ?? Number.POSITIVE_INFINITY,
  };
}
