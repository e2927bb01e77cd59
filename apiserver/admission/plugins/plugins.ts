/** The admission plugins, in the order they run. */

import type { Clock } from '../../../base/clock.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { priority } from './priority.ts';
import { ServiceAccountPlugin } from './service-account.ts';
import { ServiceAllocation } from './service-allocation.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export interface PluginOptions {
  readonly clock: Clock;
  readonly serviceCidr: string;
  /** Five characters that names may have. */
  readonly randomSuffix: () => string;
  /** In [0, 1). */
  readonly random: () => number;
}

export function admissionPlugins(options: PluginOptions): readonly AdmissionPlugin[] {
  const { clock, serviceCidr, randomSuffix, random } = options;
  return [
    namespaceLifecycle,
    new ServiceAccountPlugin(clock, randomSuffix),
    defaultTolerationSeconds,
    priority,
    taintNodesByCondition,
    nodeRestriction,
    new ServiceAllocation(serviceCidr, clock, random),
  ];
}
