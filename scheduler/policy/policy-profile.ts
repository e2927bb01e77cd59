/**
 * Makes a profile for the scheduling framework out of a policy: the default plugins that it keeps, and
 * its own ones, made anew. Pure but for what the policy's own factory does.
 */

import type { ConfiguredPlugin, Plugin } from '../framework/plugin.ts';
import { seededRandom } from '../seeded-random.ts';
import type { TieBreak } from '../select-node.ts';
import { checkPlugins } from './check-policy.ts';
import type { Permits, Policy, PolicyParameters, PolicyPlugin } from './policy.ts';

/** What one run of a policy is made from. */
export interface PolicyRun {
  /** Two runs with the same seed and the same pods decide the same. */
  readonly seed: number;
  /** In place of the policy's own values. */
  readonly parameters?: PolicyParameters;
  /** Absent: nobody is told, and pods wait until their time is over. */
  readonly permits?: Permits;
  /** When the policy says nothing of ties. */
  readonly tieBreak?: TieBreak;
}

/** What the scheduler needs to decide by a policy. */
export interface PolicyProfile {
  readonly profileName: string;
  readonly plugins: readonly ConfiguredPlugin[];
  /** Names of the policy's own plugins. */
  readonly ownPlugins: readonly string[];
  readonly tieBreak: TieBreak;
  readonly percentageOfNodesToScore: number;
}

/** Left in every profile that doesn't disable them by name: without them no pod gets a node at all. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'SchedulingGates',
  'PrioritySort',
  'DefaultBinder',
]);
export const NO_PERMITS: Permits = { allow: () => undefined, reject: () => undefined };
/** Keeps the draws of ties apart from the policy's own, so that one more draw shifts no tie. */
const TIE_SEED = 0x5eed;

/**
 * `defaults` is the default profile, in its order. Throws a PolicyError when the policy's factory
 * throws or gives something else than plugins, or a parameter isn't the policy's.
 */
export function policyProfile(
  policy: Policy,
  defaults: readonly ConfiguredPlugin[],
  run: PolicyRun,
): PolicyProfile {
  const own = ownPlugins(policy, run);
  return {
    profileName: policy.name,
    plugins: composeProfile(policy, defaults, own),
    ownPlugins: own.map(({ name }) => name),
    tieBreak: tieBreakOf(policy, run),
    percentageOfNodesToScore: policy.percentageOfNodesToScore ?? 0,
  };
}

function ownPlugins(policy: Policy, run: PolicyRun): readonly PolicyPlugin[] {
  const parameters = { ...policy.parameters, ...run.parameters };
  const random = seededRandom(run.seed);
  const { seed, permits = NO_PERMITS } = run;
  return checkPlugins(policy, { random, seed, parameters, permits });
}

/** Own plugins come after the default ones, but before the one that binds. */
export function composeProfile(
  policy: Omit<Policy, 'plugins'>,
  defaults: readonly ConfiguredPlugin[],
  own: readonly PolicyPlugin[],
): readonly ConfiguredPlugin[] {
  const disabled = new Set<string>(policy.disable ?? []);
  const weights: Readonly<Record<string, number>> = policy.weights ?? {};
  const isSorted = own.some(({ less }) => less !== undefined);
  const before: ConfiguredPlugin[] = [];
  const after: ConfiguredPlugin[] = [];
  for (const configured of defaults) {
    const { name } = configured.plugin;
    const isEssential = ESSENTIAL.has(name);
    if (disabled.has(name) || (isSorted && name === 'PrioritySort')) continue;
    if (policy.extends === 'none' && !isEssential) continue;
    const plugin =
      policy.extends === 'filters' ? withoutScore(configured.plugin) : configured.plugin;
    const weight = weights[name] ?? configured.weight;
    const kept = weight === undefined ? { plugin } : { plugin, weight };
    (name === 'DefaultBinder' ? after : before).push(kept);
  }
  const added = own.map((plugin) =>
    plugin.weight === undefined ? { plugin } : { plugin, weight: plugin.weight },
  );
  return [...before, ...added, ...after];
}

function withoutScore(plugin: Plugin): Plugin {
  if (plugin.score === undefined && plugin.preScore === undefined) return plugin;
  return { ...plugin, preScore: undefined, score: undefined, normalizeScore: undefined };
}

function tieBreakOf(policy: Policy, run: PolicyRun): TieBreak {
  const random: TieBreak = { kind: 'random', random: seededRandom(run.seed ^ TIE_SEED) };
  switch (policy.tieBreak) {
    case 'random':
      return random;
    case 'first':
    case 'name':
    case 'heap135':
      return { kind: policy.tieBreak };
    case undefined:
      return run.tieBreak ?? random;
  }
}
