/** What `skiff shadow` was given, as something that decides: a policy file, a profile, or the defaults. */

import path from 'node:path';
import type { TieBreakChoice } from '../../scheduler/config/configuration.ts';
import { frameworksOf, tieBreakOf } from '../../scheduler/config/frameworks-of.ts';
import { loadConfiguration } from '../../scheduler/config/load-configuration.ts';
import { defaultProfile, type ProfileDependencies } from '../../scheduler/default-profile.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import { loadPolicy } from '../../scheduler/policy/load-policy.ts';
import { policyProfile } from '../../scheduler/policy/policy-profile.ts';
import type { ShadowPolicy } from './shadow.ts';

export interface ShadowPolicyOptions {
  /** `default`, a TypeScript file, or a KubeSchedulerConfiguration, of which the first profile counts. */
  readonly policy: string;
  /** Of a policy that doesn't say. */
  readonly tieBreak: TieBreakChoice;
  readonly seed: number;
}

/** Made when the world is known. */
export type ShadowPolicyMaker = (world: ProfileDependencies) => ShadowPolicy;

/** Reads the file; rejects with an Error of one line. */
export async function loadShadowPolicy(options: ShadowPolicyOptions): Promise<ShadowPolicyMaker> {
  const { policy: file, seed } = options;
  const tieBreak = tieBreakOf(options.tieBreak);
  const name = path.basename(file).replace(/\.[^.]*$/, '');
  if (file === 'default') {
    return (world) => {
      const framework = new Framework('default-scheduler', defaultProfile(world));
      return { name, framework, percentageOfNodesToScore: 0, tieBreak };
    };
  }
  if (/\.(ya?ml|json)$/.test(file)) {
    const configuration = loadConfiguration(file);
    return (world) => {
      const [framework] = frameworksOf(configuration, world);
      const { settings } = framework;
      return {
        name,
        framework,
        percentageOfNodesToScore: settings.percentageOfNodesToScore ?? 0,
        tieBreak: settings.tieBreak ?? tieBreak,
      };
    };
  }
  const policy = await loadPolicy(file);
  return (world) => {
    const profile = policyProfile(policy, defaultProfile(world), { seed, tieBreak });
    const { percentageOfNodesToScore } = profile;
    return {
      name: policy.name,
      framework: new Framework(profile.profileName, profile.plugins),
      percentageOfNodesToScore,
      tieBreak: profile.tieBreak,
    };
  };
}
