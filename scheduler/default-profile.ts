/** kube-scheduler's default profile, and what its plugins ask of the world. */

import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { PodDisruptionBudget } from '../proto/api/gen/policy-v1.ts';
import type { NamespaceLabels } from './cache/affinity-terms.ts';
import { defaultProfileConfiguration } from './config/configuration.ts';
import { pluginsOf } from './config/frameworks-of.ts';
import type { ConfiguredPlugin } from './framework/plugin.ts';
import type { PeerSelector } from './plugins/pod-topology-spread/constraints.ts';
import type { VolumeObjects } from './plugins/volume-objects.ts';
import type { PodGroups } from './pod-groups.ts';

/** What plugins ask of the world, besides the snapshot. */
export interface ProfileDependencies {
  readonly client: Pick<Client, 'request'>;
  readonly peersOf: PeerSelector;
  readonly namespaceLabels: NamespaceLabels;
  /** All PodDisruptionBudgets; absent: there are none. */
  readonly budgets?: () => readonly PodDisruptionBudget[];
  /** In [0, 1); absent: what is random upstream begins at the start. */
  readonly random?: () => number;
  /** Absent: there are no volumes. */
  readonly volumes?: VolumeDependencies;
  /** Absent: there are none. */
  readonly podGroups?: PodGroups;
}

export interface VolumeDependencies {
  readonly objects: VolumeObjects;
  readonly client: Pick<Client, 'patch'>;
  readonly clock: Pick<Clock, 'schedule'>;
}

export function defaultProfile(dependencies: ProfileDependencies): readonly ConfiguredPlugin[] {
  return pluginsOf(defaultProfileConfiguration(), dependencies).configured;
}
