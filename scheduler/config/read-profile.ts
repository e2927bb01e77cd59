/**
 * Reads one profile: its name, its plugins over the default ones, their arguments. What is Skiff's own
 * stands among the arguments, under the name `Skiff`, so that the same file is good for kube-scheduler,
 * which passes over arguments of plugins that it doesn't have.
 *
 * Source: kubernetes pkg/scheduler/apis/config/{v1/defaults.go,validation/validation.go}, v1.36.
 */

import { POINT_NAMES } from '../framework/extension-points.ts';
import {
  PROFILE_VERSIONS,
  type ProfileConfiguration,
  type ProfileVersion,
  TIE_BREAKS,
  type TieBreakChoice,
} from './configuration.ts';
import type { FieldReader } from './field-reader.ts';
import { DEFAULT_PLUGIN_ARGS, type PluginArgs } from './plugin-args.ts';
import {
  defaultPluginSets,
  enabledNames,
  KNOWN_PLUGINS,
  mergePluginSets,
  NO_PLUGIN_SET,
  NOT_IMPLEMENTED,
  noPluginSets,
  type PluginReference,
  type PluginSet,
  type PluginSets,
} from './plugin-sets.ts';
import { PLUGIN_ARGS_READERS } from './read-plugin-args.ts';

/** The entry of `pluginConfig` that is Skiff's own. */
const SKIFF = 'Skiff';

const REMOVED = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];
const MAX_SEED = 999_999_999;

interface ReadArgs {
  readonly args: PluginArgs;
  readonly otherArgs: ReadonlyMap<string, unknown>;
  readonly version: ProfileVersion;
  readonly tieBreak?: TieBreakChoice;
}

/** `fallbackName` when it gives none; `policies` are names of plugins besides upstream's. */
export function readProfile(
  profile: FieldReader,
  fallbackName: string,
  policies: ReadonlySet<string>,
): ProfileConfiguration {
  const schedulerName = profile.string('schedulerName') ?? fallbackName;
  const percentage = profile.integer('percentageOfNodesToScore');
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) {
    profile.invalid('percentageOfNodesToScore', percentage, 'not in valid range [0-100]');
  }
  const isKnown = (name: string): boolean => KNOWN_PLUGINS.has(name) || policies.has(name);
  const plugins = profile.object('plugins');
  const custom = plugins === undefined ? noPluginSets() : readSets(plugins);
  for (const name of enabledNames(custom)) {
    if (isKnown(name) || REMOVED.includes(name)) continue;
    const what = NOT_IMPLEMENTED.includes(name) ? 'is not implemented' : 'does not exist';
    profile.problems.values.push(
      `${profile.path}: creating profile for scheduler name ${schedulerName}: plugin "${name}" ${what}`,
    );
  }
  const args = readAllArgs(profile, isKnown);
  profile.end();
  return {
    schedulerName,
    ...(percentage === undefined ? {} : { percentageOfNodesToScore: percentage }),
    plugins: mergePluginSets(defaultPluginSets(), custom),
    ...args,
  };
}

function readSets(plugins: FieldReader): PluginSets {
  const read = (name: string): PluginSet => {
    const set = plugins.object(name);
    return set === undefined ? NO_PLUGIN_SET : readSet(set);
  };
  const points = Object.fromEntries(POINT_NAMES.map((name) => [name, read(name)]));
  const sets = { ...noPluginSets(), ...points, multiPoint: read('multiPoint') };
  plugins.end();
  return sets;
}

function readSet(set: FieldReader): PluginSet {
  const references = (name: 'enabled' | 'disabled'): readonly PluginReference[] =>
    set.objects(name).map((one) => {
      const reference = { name: one.string('name') ?? '', weight: one.integer('weight') ?? 0 };
      one.end();
      return reference;
    });
  const enabled = references('enabled');
  for (const [index, { name, weight }] of enabled.entries()) {
    if (weight < 0) set.invalid(`enabled[${index}].weight`, weight, 'must not be negative');
    if (REMOVED.includes(name)) set.invalid(`enabled[${index}]`, name, wasInvalid());
  }
  const disabled = references('disabled').map(({ name }) => name);
  set.end();
  return { enabled, disabled };
}

function wasInvalid(): string {
  return 'was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")';
}

function readAllArgs(profile: FieldReader, isKnown: (name: string) => boolean): ReadArgs {
  const seen = new Set<string>();
  const read: Partial<Record<keyof PluginArgs, unknown>> = {};
  const otherArgs = new Map<string, unknown>();
  let own: Pick<ReadArgs, 'version' | 'tieBreak'> = { version: '1.36' };
  for (const entry of profile.objects('pluginConfig')) {
    const name = entry.string('name') ?? '';
    if (seen.has(name)) {
      entry.problems.values.push(`${entry.path}: Duplicate value: ${JSON.stringify(name)}`);
    }
    seen.add(name);
    if (isConfigurable(name)) {
      const args = typedArgs(entry, name);
      read[name] = args === undefined ? DEFAULT_PLUGIN_ARGS[name] : PLUGIN_ARGS_READERS[name](args);
      args?.end();
    } else if (name === SKIFF) {
      const args = typedArgs(entry, name);
      if (args !== undefined) own = readOwn(args);
      args?.end();
    } else {
      otherArgs.set(name, entry.raw('args'));
      if (REMOVED.includes(name)) entry.invalid('', name, wasInvalid());
      else if (!isKnown(name) && !NOT_IMPLEMENTED.includes(name)) {
        entry.invalid('name', name, `plugin "${name}" does not exist`);
      }
    }
    entry.end();
  }
  // Each reader gives the type of its own plugin.
  const args = { ...DEFAULT_PLUGIN_ARGS, ...read } as PluginArgs;
  return { args, otherArgs, ...own };
}

/** `apiVersion` and `kind` may be left out, as upstream fills them in. */
function typedArgs(entry: FieldReader, name: string): FieldReader | undefined {
  const args = entry.object('args');
  const kind = args?.string('kind') ?? `${name}Args`;
  const version = args?.string('apiVersion') ?? 'kubescheduler.config.k8s.io/v1';
  const isRight = kind === `${name}Args` && version === 'kubescheduler.config.k8s.io/v1';
  if (!isRight) entry.invalid('args', kind, 'has to match plugin args');
  return args;
}

function isConfigurable(name: string): name is keyof PluginArgs {
  return Object.hasOwn(PLUGIN_ARGS_READERS, name);
}

function readOwn(args: FieldReader): Pick<ReadArgs, 'version' | 'tieBreak'> {
  const oneOf = <T extends string>(name: string, values: readonly T[]): T | undefined => {
    const text = args.string(name);
    const found = values.find((value) => value === text);
    if (text !== undefined && found === undefined) {
      const known = values.map((value) => JSON.stringify(value)).join(', ');
      args.problems.values.push(
        `${args.pathOf(name)}: Unsupported value: ${JSON.stringify(text)}: supported values: ${known}`,
      );
    }
    return found;
  };
  const version = oneOf('version', PROFILE_VERSIONS) ?? '1.36';
  const kind = oneOf('tieBreak', TIE_BREAKS);
  const seed = args.integer('seed');
  if (seed !== undefined && (seed < 0 || seed > MAX_SEED)) {
    args.invalid('seed', seed, `not in valid range [0, ${MAX_SEED}]`);
  }
  if (seed !== undefined && kind !== 'random') {
    args.invalid('seed', seed, 'only with tieBreak "random"');
  }
  if (kind === undefined) return { version };
  return { version, tieBreak: kind === 'random' ? { kind, seed: seed ?? 1 } : { kind } };
}
