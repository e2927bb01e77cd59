/**
 * How each of the plugins that come with the scheduler is made for a profile.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/registry.go, v1.36.
 */

import type { ProfileDependencies, VolumeDependencies } from '../default-profile.ts';
import type { Plugin } from '../framework/plugin.ts';
import { newDefaultBinder } from '../plugins/default-binder.ts';
import { newDefaultPreemption } from '../plugins/default-preemption/default-preemption.ts';
import { newGangScheduling } from '../plugins/gang-scheduling.ts';
import { newImageLocality } from '../plugins/image-locality.ts';
import { newInterPodAffinity } from '../plugins/inter-pod-affinity/inter-pod-affinity.ts';
import { newNodeAffinity } from '../plugins/node-affinity.ts';
import { nodeName } from '../plugins/node-name.ts';
import { nodePorts } from '../plugins/node-ports.ts';
import { newNodeResourcesBalancedAllocation } from '../plugins/node-resources-balanced-allocation.ts';
import { newNodeResourcesFit } from '../plugins/node-resources-fit.ts';
import { nodeUnschedulable } from '../plugins/node-unschedulable.ts';
import { newNodeVolumeLimits } from '../plugins/node-volume-limits.ts';
import { newPodTopologySpread } from '../plugins/pod-topology-spread/pod-topology-spread.ts';
import { prioritySort } from '../plugins/priority-sort.ts';
import { schedulingGates } from '../plugins/scheduling-gates.ts';
import { newTaintToleration } from '../plugins/taint-toleration.ts';
import { newVolumeBinding } from '../plugins/volume-binding/volume-binding.ts';
import { NO_VOLUMES } from '../plugins/volume-objects.ts';
import { newVolumeRestrictions } from '../plugins/volume-restrictions.ts';
import { newVolumeZone } from '../plugins/volume-zone.ts';
import { PodGroups } from '../pod-groups.ts';
import type { ProfileConfiguration } from './configuration.ts';

export interface PluginContext {
  readonly profile: ProfileConfiguration;
  readonly dependencies: ProfileDependencies;
  /** What `pluginConfig` has for a plugin that isn't upstream's, as it stands in the file. */
  readonly ownArgs: unknown;
}

export type PluginFactory = (context: PluginContext) => Plugin;

/** Of who has no volumes: nothing is ever written. */
const NOTHING_TO_BIND: VolumeDependencies = {
  objects: NO_VOLUMES,
  client: { patch: () => Promise.reject(new Error('there are no volumes')) },
  clock: { schedule: () => () => undefined },
};

const NO_GROUPS = new PodGroups({ get: () => undefined });

const FACTORIES: Readonly<Record<string, PluginFactory>> = {
  SchedulingGates: () => schedulingGates,
  PrioritySort: () => prioritySort,
  NodeUnschedulable: () => nodeUnschedulable,
  NodeName: () => nodeName,
  TaintToleration: ({ profile }) => newTaintToleration({ namesTaint: profile.version === '1.34' }),
  NodeAffinity: ({ profile }) => newNodeAffinity(profile.args.NodeAffinity),
  NodePorts: () => nodePorts,
  NodeResourcesFit: ({ profile }) => newNodeResourcesFit(profile.args.NodeResourcesFit),
  VolumeRestrictions: ({ dependencies }) =>
    newVolumeRestrictions(dependencies.volumes?.objects ?? NO_VOLUMES),
  NodeVolumeLimits: ({ dependencies }) =>
    newNodeVolumeLimits(dependencies.volumes?.objects ?? NO_VOLUMES),
  VolumeBinding: ({ profile, dependencies: { volumes = NOTHING_TO_BIND } }) =>
    newVolumeBinding(volumes.objects, {
      ...volumes,
      timeoutMs: profile.args.VolumeBinding.bindTimeoutSeconds * 1_000,
    }),
  VolumeZone: ({ dependencies }) => newVolumeZone(dependencies.volumes?.objects ?? NO_VOLUMES),
  PodTopologySpread: ({ profile, dependencies }) =>
    newPodTopologySpread(dependencies.peersOf, profile.args.PodTopologySpread),
  InterPodAffinity: ({ profile, dependencies }) =>
    newInterPodAffinity(dependencies.namespaceLabels, profile.args.InterPodAffinity),
  DefaultPreemption: ({ profile, dependencies: { budgets = () => [], random = () => 0 } }) =>
    newDefaultPreemption(profile.args.DefaultPreemption, { budgets, random }),
  NodeResourcesBalancedAllocation: ({ profile }) =>
    newNodeResourcesBalancedAllocation({
      resources: profile.args.NodeResourcesBalancedAllocation.resources,
      formula: profile.version === '1.36' ? '1.36' : '1.35',
    }),
  ImageLocality: ({ profile }) => newImageLocality({ countsVolumes: profile.version === '1.36' }),
  DefaultBinder: ({ dependencies }) => newDefaultBinder(dependencies.client),
  GangScheduling: ({ dependencies: { podGroups = NO_GROUPS } }) => newGangScheduling(podGroups),
};

export const IN_TREE_PLUGINS: ReadonlyMap<string, PluginFactory> = new Map(
  Object.entries(FACTORIES),
);
