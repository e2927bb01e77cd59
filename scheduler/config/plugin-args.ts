/**
 * The arguments of the default plugins, as `pluginConfig` gives them, with their defaults.
 *
 * Source: kubernetes/kube-scheduler config/v1/types_pluginargs.go, kubernetes
 * pkg/scheduler/apis/config/v1/defaults.go, v1.36.
 */

import type { NodeAffinity, TopologySpreadConstraint } from '../../proto/api/gen/core-v1.ts';

/** A resource that counts in a score, by its name in the API; the weight is 1 to 100. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** At this utilisation (0 to 100 percent) this score (0 to 10). */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

export type ScoringStrategy =
  | {
      readonly type: 'LeastAllocated' | 'MostAllocated';
      readonly resources: readonly ResourceWeight[];
    }
  | {
      readonly type: 'RequestedToCapacityRatio';
      readonly resources: readonly ResourceWeight[];
      /** At least one point, by rising utilisation. */
      readonly shape: readonly ShapePoint[];
    };

export interface NodeResourcesFitArgs {
  /** Extended resources that the filter passes over. */
  readonly ignoredResources: readonly string[];
  /** The same, by what is before the `/`. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

export interface InterPodAffinityArgs {
  /** What an existing pod counts that needs the new one near it: 0 to 100. */
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

export interface PodTopologySpreadArgs {
  readonly defaultingType: 'System' | 'List';
  /** Of `List`: for pods without constraints of their own. */
  readonly defaultConstraints: readonly TopologySpreadConstraint[];
}

export interface DefaultPreemptionArgs {
  /** How many of the nodes are tried at least: 0 to 100 percent. */
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

/** By the name of the plugin. */
export interface PluginArgs {
  readonly NodeResourcesFit: NodeResourcesFitArgs;
  readonly NodeResourcesBalancedAllocation: { readonly resources: readonly ResourceWeight[] };
  readonly NodeAffinity: { readonly addedAffinity?: NodeAffinity };
  readonly InterPodAffinity: InterPodAffinityArgs;
  readonly PodTopologySpread: PodTopologySpreadArgs;
  readonly DefaultPreemption: DefaultPreemptionArgs;
  readonly VolumeBinding: { readonly bindTimeoutSeconds: number };
}

export const DEFAULT_RESOURCES: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

export const DEFAULT_PLUGIN_ARGS: PluginArgs = {
  NodeResourcesFit: {
    ignoredResources: [],
    ignoredResourceGroups: [],
    scoringStrategy: { type: 'LeastAllocated', resources: DEFAULT_RESOURCES },
  },
  NodeResourcesBalancedAllocation: { resources: DEFAULT_RESOURCES },
  NodeAffinity: {},
  InterPodAffinity: { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false },
  PodTopologySpread: { defaultingType: 'System', defaultConstraints: [] },
  DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
  VolumeBinding: { bindTimeoutSeconds: 600 },
};
