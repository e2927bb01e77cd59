/**
 * From a configuration to what decides: the plugins of each profile, and the frameworks that run them.
 * Pure, but for what the dependencies do: the running scheduler and the policy lab call the same.
 */

import type { ProfileDependencies } from '../default-profile.ts';
import { Framework } from '../framework/framework.ts';
import type { ConfiguredPlugin, Plugin } from '../framework/plugin.ts';
import { seededRandom } from '../seeded-random.ts';
import type { TieBreak } from '../select-node.ts';
import type {
  ProfileConfiguration,
  SchedulerConfiguration,
  TieBreakChoice,
} from './configuration.ts';
import { IN_TREE_PLUGINS, type PluginFactory } from './plugin-registry.ts';
import { type ExpandedPlugins, enabledNames, expandPluginSets } from './plugin-sets.ts';

/** Plugins that are not upstream's, by name. */
export type Policies = ReadonlyMap<string, PluginFactory>;

const NO_POLICIES: Policies = new Map();

export interface ProfilePlugins {
  readonly configured: readonly ConfiguredPlugin[];
  readonly points: ExpandedPlugins['points'];
}

/**
 * The framework of each profile. Throws, in upstream's words, for a plugin that doesn't exist or has
 * no say where it is named, and for a profile without a QueueSort or Bind plugin.
 */
export function frameworksOf(
  configuration: SchedulerConfiguration,
  dependencies: ProfileDependencies,
  policies: Policies = NO_POLICIES,
): [Framework, ...Framework[]] {
  const [first, ...more] = configuration.profiles;
  const ignored = configuration.extenders.flatMap(({ managedResources }) =>
    managedResources.filter((each) => each.ignoredByScheduler).map(({ name }) => name),
  );
  const framework = (profile: ProfileConfiguration): Framework =>
    frameworkOf(
      ignoring(profile, ignored),
      configuration.percentageOfNodesToScore,
      dependencies,
      policies,
    );
  return [framework(first), ...more.map(framework)];
}

/** Resources that are the extenders' business are not the Fit plugin's. */
function ignoring(profile: ProfileConfiguration, names: readonly string[]): ProfileConfiguration {
  if (names.length === 0) return profile;
  const fit = profile.args.NodeResourcesFit;
  const ignoredResources = [...fit.ignoredResources, ...names];
  const args = { ...profile.args, NodeResourcesFit: { ...fit, ignoredResources } };
  return { ...profile, args };
}

/** One instance of each plugin that the profile needs, in the order of its configuration. */
export function pluginsOf(
  profile: ProfileConfiguration,
  dependencies: ProfileDependencies,
  policies: Policies = NO_POLICIES,
): ProfilePlugins {
  const plugins = new Map<string, Plugin>();
  for (const name of enabledNames(profile.plugins)) {
    const factory = IN_TREE_PLUGINS.get(name) ?? policies.get(name);
    if (factory === undefined) throw new Error(`plugin "${name}" does not exist`);
    const ownArgs = profile.otherArgs.get(name);
    plugins.set(name, factory({ profile, dependencies, ownArgs }));
  }
  const { points, weights } = expandPluginSets(profile.plugins, plugins);
  const configured = [...plugins].map(([name, plugin]) => {
    return { plugin, weight: weights.get(name) ?? 1 };
  });
  return { configured, points };
}

/** The choice with its generator. */
export function tieBreakOf(choice: TieBreakChoice): TieBreak {
  if (choice.kind !== 'random') return choice;
  return { kind: 'random', random: seededRandom(choice.seed) };
}

function frameworkOf(
  profile: ProfileConfiguration,
  percentageOfNodesToScore: number,
  dependencies: ProfileDependencies,
  policies: Policies,
): Framework {
  const { schedulerName, tieBreak } = profile;
  const { configured, points } = pluginsOf(profile, dependencies, policies);
  const fail = (why: string): Error =>
    new Error(`creating profile for scheduler name ${schedulerName}: ${why}`);
  const sorts = points.queueSort.length;
  const forName = `for profile with scheduler name "${schedulerName}"`;
  if (sorts !== 1) throw fail(`only one queue sort plugin required ${forName}, but got ${sorts}`);
  if (points.bind.length === 0) throw fail(`at least one bind plugin is needed ${forName}`);
  return new Framework(schedulerName, configured, {
    points,
    percentageOfNodesToScore: profile.percentageOfNodesToScore ?? percentageOfNodesToScore,
    ...(tieBreak === undefined ? {} : { tieBreak: tieBreakOf(tieBreak) }),
  });
}
