/**
 * Policies of an experiment, made anew for each run: a TypeScript policy file, a profile of a
 * KubeSchedulerConfiguration, or kube-scheduler's default profile.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  frameworksOf,
  tieBreakOf as tieBreakOfChoice,
} from '../../../scheduler/config/frameworks-of.ts';
import { loadConfiguration } from '../../../scheduler/config/load-configuration.ts';
import { defaultProfile, type ProfileDependencies } from '../../../scheduler/default-profile.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { formatTypicalPods } from '../../../scheduler/gpu/fragmentation.ts';
import { loadPolicy } from '../../../scheduler/policy/load-policy.ts';
import { policyProfile } from '../../../scheduler/policy/policy-profile.ts';
import type { TieBreak } from '../../../scheduler/select-node.ts';
import type { PolicyRunner } from '../engine/run-state.ts';
import type { Scenario } from '../engine/scenario.ts';
import type { ExperimentOptions, PolicySpec } from '../experiment/experiment.ts';
import { ExperimentError } from '../experiment/read-experiment.ts';
import { contentHash } from '../result/content-hash.ts';
import type { RunMode } from '../result/run-result.ts';
import { newStream } from '../workload/random-stream.ts';
import { recordedPeers } from '../workload/recorded-peers.ts';

/** A policy that was loaded and found good. */
export interface LoadedPolicy {
  readonly name: string;
  readonly description: string;
  /** Of its file and those that it imports by path, or of its profile. */
  readonly hash: string;
  /** For one run on this scenario. */
  readonly runner: (scenario: Scenario, options: ExperimentOptions, mode: RunMode) => PolicyRunner;
}

/** Throws an Error of one line. */
export async function loadPolicyOf(spec: PolicySpec): Promise<LoadedPolicy> {
  const { name } = spec;
  switch (spec.kind) {
    case 'file': {
      const { file, parameters } = spec;
      const policy = await loadPolicy(file);
      return {
        name,
        description: spec.description || (policy.description ?? ''),
        hash: contentHash({ file: sourceHash(file), parameters }),
        runner: (scenario, options, mode) => {
          const { seed } = scenario.arrivals;
          const values = { ...parameters.values };
          for (const one of parameters.typicalPods)
            values[one] = formatTypicalPods(scenario.typical);
          const tieBreak = tieBreakOf(options, seed);
          const profile = policyProfile(policy, defaultProfile(dependenciesOf(seed)), {
            seed,
            parameters: values,
            tieBreak,
          });
          const plugins = profile.plugins.filter(({ plugin }) => isFor(mode, plugin));
          return {
            framework: new Framework(profile.profileName, plugins),
            percentageOfNodesToScore:
              profile.percentageOfNodesToScore || options.percentageOfNodesToScore,
            tieBreak: profile.tieBreak,
          };
        },
      };
    }
    case 'profile': {
      const configuration = loadConfiguration(spec.file);
      const { profile: wanted } = spec;
      const profile = configuration.profiles.find(
        ({ schedulerName }) => wanted === undefined || schedulerName === wanted,
      );
      if (profile === undefined)
        throw new ExperimentError(`${spec.file}: has no profile "${wanted}"`);
      return {
        name,
        description: spec.description,
        hash: contentHash({ file: readFileSync(spec.file, 'utf8'), profile: wanted }),
        runner: (scenario, options) => {
          const { seed } = scenario.arrivals;
          const one = { ...configuration, profiles: [profile] as const };
          const [framework] = frameworksOf(one, dependenciesOf(seed));
          const { settings } = framework;
          return {
            framework,
            percentageOfNodesToScore:
              settings.percentageOfNodesToScore || options.percentageOfNodesToScore,
            tieBreak:
              profile.tieBreak === undefined
                ? tieBreakOf(options, seed)
                : tieBreakOfChoice(profile.tieBreak),
          };
        },
      };
    }
    case 'default':
      return {
        name,
        description: spec.description || "kube-scheduler's default profile",
        hash: contentHash('default'),
        runner: (scenario, options, mode) => {
          const { seed } = scenario.arrivals;
          const plugins = defaultProfile(dependenciesOf(seed));
          return {
            framework: new Framework(
              'default-scheduler',
              plugins.filter(({ plugin }) => isFor(mode, plugin)),
            ),
            percentageOfNodesToScore: options.percentageOfNodesToScore,
            tieBreak: tieBreakOf(options, seed),
          };
        },
      };
  }
}

/** Who never leaves can't be made to: nobody looks for victims. */
function isFor(mode: RunMode, plugin: { readonly postFilter?: unknown }): boolean {
  return mode === 'queued' || plugin.postFilter === undefined;
}

function tieBreakOf({ tieBreak }: ExperimentOptions, seed: number): TieBreak {
  if (tieBreak !== 'random') return { kind: tieBreak };
  return { kind: 'random', random: newStream(seed, 'ties') };
}

/** No Services (but what a recording says of them), budgets or labels of namespaces are known in an experiment. */
function dependenciesOf(seed: number): ProfileDependencies {
  return {
    client: { request: () => Promise.reject(new Error('An experiment has no API server')) },
    peersOf: recordedPeers,
    namespaceLabels: () => ({}),
    random: newStream(seed, 'preemption'),
  };
}

/** Of the text of a file and of the files that it imports by relative path. */
function sourceHash(file: string, seen = new Map<string, string>()): string {
  if (!seen.has(file)) {
    const text = readFileSync(file, 'utf8');
    seen.set(file, text);
    for (const [, target = ''] of text.matchAll(/from\s+'(\.{1,2}\/[^']+)'/g)) {
      sourceHash(path.resolve(path.dirname(file), target), seen);
    }
  }
  return contentHash([...seen.values()]);
}
