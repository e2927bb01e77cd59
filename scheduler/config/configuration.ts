/**
 * What drives the scheduler: a KubeSchedulerConfiguration with all defaults filled in, checked.
 *
 * Source: kubernetes/kube-scheduler config/v1/types.go, v1.36; docs/scheduler.md for what is ours.
 */

import { DEFAULT_PLUGIN_ARGS, type PluginArgs } from './plugin-args.ts';
import { defaultPluginSets, type PluginSets } from './plugin-sets.ts';

/** Releases of kube-scheduler whose decisions can be asked for. */
export const PROFILE_VERSIONS = ['1.34', '1.35', '1.36'] as const;
export type ProfileVersion = (typeof PROFILE_VERSIONS)[number];

export const TIE_BREAKS = ['random', 'first', 'name', 'heap135'] as const;

/** How one of several equally good nodes is chosen; `random` has a seed of its own. */
export type TieBreakChoice =
  | { readonly kind: 'random'; readonly seed: number }
  | { readonly kind: 'first' | 'name' | 'heap135' };

export interface ProfileConfiguration {
  readonly schedulerName: string;
  /** 0: adaptive; absent: the configuration's. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins: PluginSets;
  readonly args: PluginArgs;
  /** Of plugins that aren't upstream's, as they stand in the file. */
  readonly otherArgs: ReadonlyMap<string, unknown>;
  readonly version: ProfileVersion;
  /** Absent: what the process was told. */
  readonly tieBreak?: TieBreakChoice;
}

/** An HTTP extender. Paths are appended to `urlPrefix` after a slash; an absent one is not called. */
export interface ExtenderConfiguration {
  readonly urlPrefix: string;
  readonly filterVerb: string;
  readonly prioritizeVerb: string;
  readonly bindVerb: string;
  readonly preemptVerb: string;
  readonly weight: number;
  readonly httpTimeoutMs: number;
  /** The extender knows the nodes: names suffice. */
  readonly nodeCacheCapable: boolean;
  /** Only pods that ask for one of these are its business; empty: all pods. */
  readonly managedResources: readonly {
    readonly name: string;
    readonly ignoredByScheduler: boolean;
  }[];
  /** A failure of it fails nothing. */
  readonly ignorable: boolean;
}

export interface SchedulerConfiguration {
  readonly profiles: readonly [ProfileConfiguration, ...ProfileConfiguration[]];
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
  readonly extenders: readonly ExtenderConfiguration[];
  /** Absent: what the process was told. */
  readonly leaderElect?: boolean;
  /** Fields that were given and have no effect here, by their path. */
  readonly withoutEffect: readonly string[];
}

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';

export function defaultProfileConfiguration(
  schedulerName: string = DEFAULT_SCHEDULER_NAME,
): ProfileConfiguration {
  return {
    schedulerName,
    plugins: defaultPluginSets(),
    args: DEFAULT_PLUGIN_ARGS,
    otherArgs: new Map(),
    version: '1.36',
  };
}

export function defaultConfiguration(): SchedulerConfiguration {
  return {
    profiles: [defaultProfileConfiguration()],
    percentageOfNodesToScore: 0,
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
    extenders: [],
    withoutEffect: [],
  };
}
