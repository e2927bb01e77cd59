/**
 * Which plugins take part where: the default set with what a profile enables and disables, by
 * extension point and at `multiPoint`, expanded into one ordered list for each point.
 *
 * Source: kubernetes pkg/scheduler/apis/config/v1/default_plugins.go,
 * pkg/scheduler/framework/runtime/framework.go expandMultiPointPlugins, v1.36.
 */

import {
  EXTENSION_POINTS,
  type ExtensionPoint,
  POINT_NAMES,
  type PointPlugins,
  takesPart,
} from '../framework/extension-points.ts';
import type { Plugin } from '../framework/plugin.ts';

/** A plugin by name; the weight counts at Score only, 0 stands for 1. */
export interface PluginReference {
  readonly name: string;
  readonly weight: number;
}

export interface PluginSet {
  readonly enabled: readonly PluginReference[];
  /** Names; `*` stands for all defaults. */
  readonly disabled: readonly string[];
}

export type PluginSets = Readonly<Record<ExtensionPoint | 'multiPoint', PluginSet>>;

/** The plugins of each point in order, and the weight of each one that scores. */
export interface ExpandedPlugins {
  readonly points: PointPlugins;
  readonly weights: ReadonlyMap<string, number>;
}

export const NO_PLUGIN_SET: PluginSet = { enabled: [], disabled: [] };

/** In upstream's order; the weights are of their scores. */
const DEFAULT_PLUGINS: readonly (readonly [string, number])[] = [
  ['SchedulingGates', 0],
  ['PrioritySort', 0],
  ['NodeUnschedulable', 0],
  ['NodeName', 0],
  ['TaintToleration', 3],
  ['NodeAffinity', 2],
  ['NodePorts', 0],
  ['NodeResourcesFit', 1],
  ['VolumeRestrictions', 0],
  ['NodeVolumeLimits', 0],
  ['VolumeBinding', 0],
  ['VolumeZone', 0],
  ['PodTopologySpread', 2],
  ['InterPodAffinity', 2],
  ['DefaultPreemption', 0],
  ['NodeResourcesBalancedAllocation', 1],
  ['ImageLocality', 1],
  ['DefaultBinder', 0],
];

/** Besides the default ones: those that a profile must enable itself. */
const OTHER_PLUGINS: readonly string[] = ['GangScheduling'];

export const KNOWN_PLUGINS: ReadonlySet<string> = new Set([
  ...DEFAULT_PLUGINS.map(([name]) => name),
  ...OTHER_PLUGINS,
]);

/** Plugins of upstream's that aren't here; a profile may disable them. */
export const NOT_IMPLEMENTED: readonly string[] = ['DynamicResources', 'NodeDeclaredFeatures'];

export function defaultPluginSets(): PluginSets {
  const enabled = DEFAULT_PLUGINS.map(([name, weight]) => ({ name, weight }));
  return { ...noPluginSets(), multiPoint: { enabled, disabled: [] } };
}

export function noPluginSets(): PluginSets {
  const empty = Object.fromEntries(POINT_NAMES.map((name) => [name, NO_PLUGIN_SET]));
  return { ...(empty as Record<ExtensionPoint, PluginSet>), multiPoint: NO_PLUGIN_SET };
}

/** A profile's own sets over the default ones. */
export function mergePluginSets(defaults: PluginSets, custom: PluginSets): PluginSets {
  const merged = (name: keyof PluginSets): PluginSet => mergeSet(defaults[name], custom[name]);
  const points = Object.fromEntries(POINT_NAMES.map((name) => [name, merged(name)]));
  return { ...(points as Record<ExtensionPoint, PluginSet>), multiPoint: merged('multiPoint') };
}

/** A default that is enabled again keeps its place, with the new weight. */
function mergeSet(defaults: PluginSet, custom: PluginSet): PluginSet {
  const disabled = [...custom.disabled, ...defaults.disabled];
  const kept = disabled.includes('*')
    ? []
    : defaults.enabled.filter(({ name }) => !disabled.includes(name));
  const replaced = new Set<PluginReference>();
  const enabled = kept.map((plugin) => {
    const again = custom.enabled.findLast(({ name }) => name === plugin.name);
    if (again !== undefined) replaced.add(again);
    return again ?? plugin;
  });
  return {
    enabled: [...enabled, ...custom.enabled.filter((plugin) => !replaced.has(plugin))],
    disabled,
  };
}

/** The names of all plugins that a profile needs. */
export function enabledNames(sets: PluginSets): ReadonlySet<string> {
  const enabled = Object.values(sets).flatMap((set: PluginSet) => set.enabled);
  return new Set(enabled.map(({ name }) => name));
}

/**
 * The plugins of each point: first those that the point names and `multiPoint` has too, then the
 * others of `multiPoint`, then the others of the point. Throws, in upstream's words, for a plugin
 * that has no say at a point that names it, or is named twice.
 */
export function expandPluginSets(
  sets: PluginSets,
  plugins: ReadonlyMap<string, Plugin>,
): ExpandedPlugins {
  const expand = (point: ExtensionPoint): readonly string[] => {
    const { type } = EXTENSION_POINTS[point];
    const belongs = (name: string): boolean => {
      const plugin = plugins.get(name);
      return plugin !== undefined && takesPart(plugin, point);
    };
    const { enabled, disabled } = sets[point];
    const own = enabled.map(({ name }) => name);
    for (const [index, name] of own.entries()) {
      if (!belongs(name)) throw new Error(`plugin "${name}" does not extend ${type} plugin`);
      if (own.indexOf(name) !== index) throw twice(name, type);
    }
    if (disabled.includes('*')) return own;
    const general = sets.multiPoint.enabled
      .map(({ name }) => name)
      .filter((name) => belongs(name) && !disabled.includes(name));
    const again = general.find((name, index) => general.indexOf(name) !== index);
    if (again !== undefined) throw twice(again, type);
    return [
      ...own.filter((name) => general.includes(name)),
      ...general.filter((name) => !own.includes(name)),
      ...own.filter((name) => !general.includes(name)),
    ];
  };
  const points = Object.fromEntries(POINT_NAMES.map((name) => [name, expand(name)]));
  const weights = new Map<string, number>();
  for (const { name, weight } of [...sets.score.enabled, ...sets.multiPoint.enabled]) {
    if (!weights.has(name) || weights.get(name) === 0) weights.set(name, weight);
  }
  for (const [name, weight] of weights) if (weight === 0) weights.set(name, 1);
  return { points: points as PointPlugins, weights };
}

function twice(name: string, type: string): Error {
  return new Error(`plugin "${name}" already registered as "${type}"`);
}
