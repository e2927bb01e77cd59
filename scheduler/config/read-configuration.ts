/**
 * Reads a KubeSchedulerConfiguration (`kubescheduler.config.k8s.io/v1`, YAML or JSON) strictly: what
 * doesn't exist or can't be is refused, all of it in one line, in upstream's words where there are
 * some.
 *
 * Source: kubernetes pkg/scheduler/apis/config/{v1/defaults.go,validation/validation.go}, v1.36.
 */

import { parseYamlBody } from '../../proto/api/yaml-body.ts';
import {
  DEFAULT_SCHEDULER_NAME,
  defaultConfiguration,
  defaultProfileConfiguration,
  type ProfileConfiguration,
  type SchedulerConfiguration,
} from './configuration.ts';
import { FieldReader, type Problems } from './field-reader.ts';
import { readExtenders } from './read-extenders.ts';
import { readProfile } from './read-profile.ts';

/** What is wrong with a configuration, in one line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const API_VERSION = 'kubescheduler.config.k8s.io/v1';
const KIND = 'KubeSchedulerConfiguration';

/** Accepted, as files for kube-scheduler have them; decisions are those of parallelism 1. */
const WITHOUT_EFFECT = [
  'parallelism',
  'clientConnection',
  'enableProfiling',
  'enableContentionProfiling',
  'delayCacheUntilActive',
] as const;

/**
 * Throws a {@link ConfigurationError}. `policies` are the names of plugins that come from elsewhere;
 * another name that isn't upstream's is refused.
 */
export function readConfiguration(
  text: string,
  policies: ReadonlySet<string> = new Set(),
): SchedulerConfiguration {
  const problems: Problems = { decoding: [], values: [] };
  const reader = new FieldReader(parse(text, problems), '', problems);
  const version = reader.string('apiVersion') ?? '';
  const kind = reader.string('kind') ?? '';
  if (kind !== KIND || version !== API_VERSION) {
    throw new ConfigurationError(
      `no kind "${kind}" is registered for version "${version}" here: use kind ${KIND}, apiVersion ${API_VERSION}`,
    );
  }
  const configuration = readFields(reader, policies);
  reader.end();
  if (problems.decoding.length > 0) {
    throw new ConfigurationError(`strict decoding error: ${problems.decoding.join(', ')}`);
  }
  const [first, ...more] = problems.values;
  if (first === undefined) return configuration;
  throw new ConfigurationError(more.length === 0 ? first : `[${problems.values.join(', ')}]`);
}

function parse(text: string, problems: Problems): unknown {
  try {
    const { value, duplicates } = parseYamlBody(text);
    problems.decoding.push(...duplicates);
    return value;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(why, { cause: error });
  }
}

function readFields(reader: FieldReader, policies: ReadonlySet<string>): SchedulerConfiguration {
  const defaults = defaultConfiguration();
  const { values } = reader.problems;
  const percentage = reader.integer('percentageOfNodesToScore') ?? 0;
  if (percentage < 0 || percentage > 100) {
    reader.invalid('percentageOfNodesToScore', percentage, 'not in valid range [0-100]');
  }
  const initial = reader.integer('podInitialBackoffSeconds') ?? defaults.podInitialBackoffSeconds;
  const max = reader.integer('podMaxBackoffSeconds') ?? defaults.podMaxBackoffSeconds;
  if (initial <= 0) {
    reader.invalid('podInitialBackoffSeconds', initial, 'must be greater than 0');
  }
  if (max < initial) {
    const why = 'must be greater than or equal to PodInitialBackoffSeconds';
    reader.invalid('podMaxBackoffSeconds', max, why);
  }
  const parallelism = reader.integer('parallelism') ?? 16;
  if (parallelism <= 0) {
    const why = 'should be an integer value greater than zero';
    reader.invalid('parallelism', parallelism, why);
  }
  const election = reader.object('leaderElection');
  const leaderElect = election?.boolean('leaderElect');
  const lock = election?.string('resourceLock') ?? 'leases';
  if (leaderElect !== false && lock !== 'leases') {
    election?.invalid('resourceLock', lock, 'resourceLock value must be "leases"');
  }
  const electionRest = election?.accept(
    ...['leaseDuration', 'renewDeadline', 'retryPeriod', 'resourceName', 'resourceNamespace'],
  );
  election?.end();
  const extenders = readExtenders(reader);
  const profiles = readProfiles(reader, policies);
  checkProfiles(profiles, values);
  return {
    profiles,
    percentageOfNodesToScore: percentage,
    podInitialBackoffSeconds: initial,
    podMaxBackoffSeconds: max,
    extenders,
    ...(leaderElect === undefined ? {} : { leaderElect }),
    withoutEffect: [
      ...reader.accept(...WITHOUT_EFFECT),
      ...(electionRest ?? []).map((name) => `leaderElection.${name}`),
    ],
  };
}

function readProfiles(
  reader: FieldReader,
  policies: ReadonlySet<string>,
): SchedulerConfiguration['profiles'] {
  const readers = reader.objects('profiles');
  const fallback = readers.length === 1 ? DEFAULT_SCHEDULER_NAME : '';
  const [first, ...more] = readers.map((one) => readProfile(one, fallback, policies));
  return first === undefined ? [defaultProfileConfiguration()] : [first, ...more];
}

/** One queue serves all profiles. */
function checkProfiles(profiles: readonly ProfileConfiguration[], values: string[]): void {
  const names = profiles.map(({ schedulerName }) => schedulerName);
  const queueSort = ({ plugins }: ProfileConfiguration): string =>
    JSON.stringify(plugins.queueSort);
  for (const [index, profile] of profiles.entries()) {
    const path = `profiles[${index}]`;
    const name = profile.schedulerName;
    if (name === '') values.push(`${path}.schedulerName: Required value`);
    const first = names.indexOf(name);
    if (name !== '' && first !== index) {
      values.push(`${path}.schedulerName: Duplicate value: "profiles[${first}].schedulerName"`);
    }
    const [canonical = profile] = profiles;
    if (queueSort(profile) !== queueSort(canonical)) {
      values.push(`${path}.plugins.queueSort: Invalid value: must be the same for all profiles`);
    }
  }
}
