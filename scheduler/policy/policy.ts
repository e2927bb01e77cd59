/**
 * What a policy file is written against: `import type { Policy } from 'skiff/policy'`. A policy file
 * is TypeScript that exports one `policy`; the running scheduler and the simulator load the same file.
 * Types cost nothing at run time, so the file needs no build and no package: `import type` is erased.
 * An editor finds them through the link that `skiff policy new` makes (`node_modules/skiff`).
 *
 *     import type { Policy } from 'skiff/policy';
 *
 *     export const policy: Policy = {
 *       name: 'emptiest-cpu',
 *       extends: 'filters',
 *       plugins: () => [
 *         {
 *           name: 'FreeCpu',
 *           score: (_state, _pod, node) =>
 *             (100 * (node.allocatable.milliCpu - node.requested.milliCpu)) / node.allocatable.milliCpu,
 *         },
 *       ],
 *     };
 */

import { amountOf } from '../cache/resources.ts';
import type { Plugin } from '../framework/plugin.ts';
import { SKIP, unresolvable, unschedulable } from '../framework/status.ts';
import { normalizeByMax } from '../plugins/normalize.ts';

export type { NodeInfo } from '../cache/node-info.ts';
export type { PodInfo } from '../cache/pod-info.ts';
export type { Resources } from '../cache/resources.ts';
export type { Snapshot } from '../cache/snapshot.ts';
export type { CycleState, StateKey } from '../framework/cycle-state.ts';
export type { Plugin, Scores } from '../framework/plugin.ts';
export type { Status } from '../framework/status.ts';
export type { QueuedPod } from '../queue/queued-pod.ts';
/** The verdicts and helpers that plugins need at run time. */
export { amountOf, normalizeByMax, SKIP, unresolvable, unschedulable };

/** Numbers, texts and switches that a run may set; the same for every pod of the run. */
export type PolicyParameters = Readonly<Record<string, number | string | boolean>>;

/**
 * One scheduling policy: which of kube-scheduler's default plugins decide, and what is added to them.
 *
 * `P` is the type of its parameters.
 */
export interface Policy<P extends PolicyParameters = PolicyParameters> {
  /** Also the name of its profile: pods choose it by `spec.schedulerName`. Lower case, digits, `-`, `.`. */
  readonly name: string;
  /** One sentence for `skiff policy ls` and reports. */
  readonly description?: string;
  /** It decides for the pods of `default-scheduler` too, which are all that name no scheduler. */
  readonly replacesDefault?: boolean;
  /**
   * What it starts from. `default`: all default plugins with their weights. `filters`: the same,
   * without their scores, so that only own scores count. `none`: only what makes a pod schedulable at
   * all (SchedulingGates, PrioritySort, DefaultBinder); not even resources are looked at.
   *
   * Absent: `default`.
   */
  readonly extends?: 'default' | 'filters' | 'none';
  /** Default plugins to leave out. */
  readonly disable?: readonly DefaultPluginName[];
  /** Other weights for scores of default plugins. Whole numbers from 1 to 100. */
  readonly weights?: Readonly<Partial<Record<DefaultPluginName, number>>>;
  /**
   * The policy's own plugins, made anew for each run: what they remember belongs in here, so that two
   * runs with the same seed do the same. An own plugin with `less` takes the place of PrioritySort,
   * one with `bind` is asked before DefaultBinder.
   */
  readonly plugins?: (context: PolicyContext<P>) => readonly PolicyPlugin[];
  /**
   * Which of the nodes with the highest total is taken: by name, the first one looked at, at random,
   * or as kube-scheduler 1.35 and later do (`heap135`). Absent: as the scheduler is set.
   */
  readonly tieBreak?: TieBreakName;
  /** How many of the feasible nodes are scored, in percent: 1 to 100; 0 or absent: kube-scheduler's rule. */
  readonly percentageOfNodesToScore?: number;
  /** The values of parameters that a run doesn't set. */
  readonly parameters?: P;
}

export type TieBreakName = 'first' | 'name' | 'random' | 'heap135';

/** What a run gives to the policy. */
export interface PolicyContext<P extends PolicyParameters = PolicyParameters> {
  /** Numbers in [0, 1), the same for the same seed. Use no other source of randomness. */
  readonly random: () => number;
  readonly seed: number;
  /** The policy's `parameters`, with what the run has set. */
  readonly parameters: P;
  readonly permits: Permits;
}

/** For pods that an own Permit plugin has made wait (status `Wait`); unknown ones are left alone. */
export interface Permits {
  /** The plugin has no objection any more. */
  allow(uid: string, plugin: string): void;
  /** The pod goes back to the queue. */
  reject(uid: string, plugin: string, why: string): void;
}

/** A plugin takes part in those extension points whose method it has. Its name is unique in the profile. */
export interface PolicyPlugin extends Plugin {
  /** Of its score: a whole number from 1 to 100. Absent: 1. */
  readonly weight?: number;
}

/** The plugins of kube-scheduler 1.36's default profile; naming one that Skiff lacks changes nothing. */
export const DEFAULT_PLUGIN_NAMES = [
  'SchedulingGates',
  'PrioritySort',
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'DefaultPreemption',
  'NodeResourcesBalancedAllocation',
  'ImageLocality',
  'DefaultBinder',
  'NodeDeclaredFeatures',
  'GangScheduling',
] as const;

export type DefaultPluginName = (typeof DEFAULT_PLUGIN_NAMES)[number];
