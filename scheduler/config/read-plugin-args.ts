/**
 * Reads and checks the arguments of the default plugins.
 *
 * Source: kubernetes pkg/scheduler/apis/config/validation/validation_pluginargs.go, v1.36.
 */

import { decodeObject } from '../../proto/api/decode.ts';
import type { NodeAffinity, TopologySpreadConstraint } from '../../proto/api/gen/core-v1.ts';
import type { FieldReader } from './field-reader.ts';
import {
  DEFAULT_PLUGIN_ARGS,
  DEFAULT_RESOURCES,
  type PluginArgs,
  type ResourceWeight,
  type ScoringStrategy,
  type ShapePoint,
} from './plugin-args.ts';

type Readers = { readonly [K in keyof PluginArgs]: (args: FieldReader) => PluginArgs[K] };

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] as const;

/** By the plugin whose arguments they read. */
export const PLUGIN_ARGS_READERS: Readers = {
  NodeResourcesFit: readFit,
  NodeResourcesBalancedAllocation: (args) => {
    const resources = readResources(args);
    const names = resources.map(({ name }) => name);
    for (const [index, { name, weight }] of resources.entries()) {
      const path = `resources[${index}]`;
      if (names.indexOf(name) !== index) {
        const where = `${args.pathOf(path)}.name`;
        args.problems.values.push(`${where}: Duplicate value: ${JSON.stringify(name)}`);
      }
      if (weight !== 1) args.invalid(`${path}.weight`, weight, 'must be 1');
    }
    return { resources };
  },
  NodeAffinity: readNodeAffinity,
  InterPodAffinity: (args) => {
    const weight = args.integer('hardPodAffinityWeight') ?? 1;
    if (weight < 0 || weight > 100) {
      args.invalid('hardPodAffinityWeight', weight, 'not in valid range [0, 100]');
    }
    const ignores = args.boolean('ignorePreferredTermsOfExistingPods') ?? false;
    return { hardPodAffinityWeight: weight, ignorePreferredTermsOfExistingPods: ignores };
  },
  PodTopologySpread: readSpread,
  DefaultPreemption: readPreemption,
  VolumeBinding: (args) => {
    const seconds = args.integer('bindTimeoutSeconds') ?? 600;
    if (seconds < 0) {
      const why = 'invalid BindTimeoutSeconds, should not be a negative value';
      args.invalid('bindTimeoutSeconds', seconds, why);
    }
    if (args.has('shape')) {
      const why =
        'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
      args.invalid('shape', args.raw('shape'), why);
    }
    return { bindTimeoutSeconds: seconds };
  },
};

function readFit(args: FieldReader): PluginArgs['NodeResourcesFit'] {
  const groups = args.strings('ignoredResourceGroups');
  for (const [index, group] of groups.entries()) {
    if (!group.includes('/')) continue;
    args.invalid(`ignoredResourceGroups[${index}]`, group, "resource group name can't contain '/'");
  }
  const strategy = args.object('scoringStrategy');
  return {
    ignoredResources: args.strings('ignoredResources'),
    ignoredResourceGroups: groups,
    scoringStrategy:
      strategy === undefined
        ? DEFAULT_PLUGIN_ARGS.NodeResourcesFit.scoringStrategy
        : readStrategy(strategy),
  };
}

function readStrategy(strategy: FieldReader): ScoringStrategy {
  const text = strategy.string('type') ?? '';
  const type = STRATEGIES.find((each) => each === text);
  if (type === undefined) {
    const known = STRATEGIES.map((each) => JSON.stringify(each)).join(', ');
    const where = strategy.pathOf('type');
    strategy.problems.values.push(
      `${where}: Unsupported value: ${JSON.stringify(text)}: supported values: ${known}`,
    );
  }
  const resources = readResources(strategy);
  for (const [index, { name, weight }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue;
    const why = `resource weight of ${name} not in valid range (0, 100]`;
    strategy.invalid(`resources[${index}].weight`, weight, why);
  }
  const ratio = strategy.object('requestedToCapacityRatio');
  const shape = ratio === undefined ? [] : readShape(ratio);
  ratio?.end();
  strategy.end();
  const where = strategy.pathOf('requestedToCapacityRatio');
  const { values } = strategy.problems;
  if (type === 'RequestedToCapacityRatio') {
    if (ratio === undefined) {
      values.push(
        `${where}: Required value: must be specified when type is RequestedToCapacityRatio`,
      );
    }
    return { type, resources, shape };
  }
  if (ratio !== undefined) {
    values.push(`${where}: Forbidden: must be nil when type is not RequestedToCapacityRatio`);
  }
  return { type: type ?? 'LeastAllocated', resources };
}

function readShape(ratio: FieldReader): readonly ShapePoint[] {
  const shape = ratio.objects('shape').map((point) => {
    const read = {
      utilization: point.integer('utilization') ?? 0,
      score: point.integer('score') ?? 0,
    };
    point.end();
    return read;
  });
  if (shape.length === 0) {
    const where = ratio.pathOf('shape');
    ratio.problems.values.push(`${where}: Required value: at least one point must be specified`);
  }
  const unsorted = shape.findIndex(
    ({ utilization }, index) => index > 0 && (shape[index - 1]?.utilization ?? 0) >= utilization,
  );
  if (unsorted !== -1) {
    const why = 'values must be sorted in increasing order';
    ratio.invalid(`shape[${unsorted}].utilization`, shape[unsorted]?.utilization, why);
  }
  for (const [index, { utilization, score }] of shape.entries()) {
    if (utilization < 0 || utilization > 100) {
      ratio.invalid(`shape[${index}].utilization`, utilization, 'not in valid range [0, 100]');
    }
    if (score < 0 || score > 10) {
      ratio.invalid(`shape[${index}].score`, score, 'not in valid range [0, 10]');
    }
  }
  return shape;
}

/** A weight that is absent or 0 is 1; no resources are the default ones. */
function readResources(args: FieldReader): readonly ResourceWeight[] {
  const resources = args.objects('resources').map((resource) => {
    const read = { name: resource.string('name') ?? '', weight: resource.integer('weight') ?? 0 };
    resource.end();
    return { ...read, weight: read.weight === 0 ? 1 : read.weight };
  });
  return resources.length === 0 ? DEFAULT_RESOURCES : resources;
}

function readNodeAffinity(args: FieldReader): PluginArgs['NodeAffinity'] {
  const raw = args.raw('addedAffinity');
  if (raw === undefined) return {};
  const added = decodeApi<NodeAffinity>(args, 'addedAffinity', 'NodeAffinity', raw);
  if (added === undefined) return {};
  const required = added.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = [
    ...(required?.nodeSelectorTerms ?? []),
    ...(added.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => p.preference),
  ];
  for (const { matchExpressions = [] } of terms) {
    for (const { key, operator, values = [] } of matchExpressions) {
      const wantsValues = operator === 'In' || operator === 'NotIn';
      if (wantsValues && values.length === 0) {
        args.invalid('addedAffinity', key, `values must be given for operator ${operator}`);
      }
    }
  }
  return { addedAffinity: added };
}

function readSpread(args: FieldReader): PluginArgs['PodTopologySpread'] {
  const type = args.string('defaultingType') ?? 'System';
  if (type !== 'System' && type !== 'List') {
    const where = args.pathOf('defaultingType');
    const text = `Unsupported value: ${JSON.stringify(type)}: supported values: "System", "List"`;
    args.problems.values.push(`${where}: ${text}`);
  }
  const constraints = args.list('defaultConstraints').flatMap((raw, index) => {
    const path = `defaultConstraints[${index}]`;
    const one = decodeApi<TopologySpreadConstraint>(args, path, 'TopologySpreadConstraint', raw);
    return one === undefined ? [] : [one];
  });
  if (type === 'System' && constraints.length > 0) {
    args.invalid('defaultingType', type, 'when .defaultConstraints are not empty');
  }
  for (const [index, constraint] of constraints.entries()) {
    checkDefaultConstraint(args, constraint, `defaultConstraints[${index}]`);
    const { topologyKey, whenUnsatisfiable } = constraint;
    const isAgain = constraints
      .slice(0, index)
      .some((o) => o.topologyKey === topologyKey && o.whenUnsatisfiable === whenUnsatisfiable);
    if (!isAgain) continue;
    const where = args.pathOf(`defaultConstraints[${index}]`);
    const value = JSON.stringify(`{${topologyKey}, ${whenUnsatisfiable}}`);
    args.problems.values.push(`${where}: Duplicate value: ${value}`);
  }
  return { defaultingType: type === 'List' ? 'List' : 'System', defaultConstraints: constraints };
}

function checkDefaultConstraint(
  args: FieldReader,
  constraint: TopologySpreadConstraint,
  path: string,
): void {
  const { values } = args.problems;
  const where = args.pathOf(path);
  const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector } = constraint;
  if (!(maxSkew > 0)) args.invalid(`${path}.maxSkew`, maxSkew ?? 0, 'not in valid range (0, inf)');
  if (!topologyKey) values.push(`${where}.topologyKey: Required value: can not be empty`);
  if (!whenUnsatisfiable) {
    values.push(`${where}.whenUnsatisfiable: Required value: can not be empty`);
  } else if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
    const text = JSON.stringify(whenUnsatisfiable);
    values.push(
      `${where}.whenUnsatisfiable: Unsupported value: ${text}: supported values: "DoNotSchedule", "ScheduleAnyway"`,
    );
  }
  if (labelSelector !== undefined) {
    const why = 'constraint must not define a selector, as they deduced for each pod';
    values.push(`${where}.labelSelector: Forbidden: ${why}`);
  }
}

function readPreemption(args: FieldReader): PluginArgs['DefaultPreemption'] {
  const [percentage, absolute] = ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute'];
  const defaults = DEFAULT_PLUGIN_ARGS.DefaultPreemption;
  const read = {
    minCandidateNodesPercentage: args.integer(percentage) ?? defaults.minCandidateNodesPercentage,
    minCandidateNodesAbsolute: args.integer(absolute) ?? defaults.minCandidateNodesAbsolute,
  };
  const { minCandidateNodesPercentage: percent, minCandidateNodesAbsolute: count } = read;
  if (percent < 0 || percent > 100) {
    args.invalid(percentage, percent, 'not in valid range [0, 100]');
  }
  if (count < 0) args.invalid(absolute, count, 'not in valid range [0, inf)');
  if (percent === 0 && count === 0) {
    args.invalid(percentage, 0, `cannot be zero at the same time as ${absolute}`);
    args.invalid(absolute, 0, `cannot be zero at the same time as ${percentage}`);
  }
  return read;
}

/** A part that has a type of the API; undefined when it can't be read, which is noted. */
function decodeApi<T>(args: FieldReader, name: string, type: string, raw: unknown): T | undefined {
  const path = args.pathOf(name);
  try {
    const { object, unknownFields } = decodeObject(`io.k8s.api.core.v1.${type}`, raw);
    for (const field of unknownFields) {
      args.problems.decoding.push(`unknown field ${JSON.stringify(`${path}.${field}`)}`);
    }
    // The decoder has checked it by the schema that the type was generated from.
    return object as unknown as T;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    args.problems.decoding.push(`${path}: ${text}`);
    return undefined;
  }
}
