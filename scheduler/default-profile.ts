/** kube-scheduler's default profile, and what its plugins ask of the world. */

import type { Client } from '../client/client.ts';
import type { NamespaceLabels } from './cache/affinity-terms.ts';
import { defaultProfileConfiguration } from './config/configuration.ts';
import { pluginsOf } from './config/frameworks-of.ts';
import type { ConfiguredPlugin } from './framework/plugin.ts';
import type { PeerSelector } from './plugins/pod-topology-spread/constraints.ts';

/** What plugins ask of the world, besides the snapshot. */
export interface ProfileDependencies {
  readonly client: Pick<Client, 'request'>;
  readonly peersOf: PeerSelector;
  readonly namespaceLabels: NamespaceLabels;
}

export function defaultProfile(dependencies: ProfileDependencies): readonly ConfiguredPlugin[] {
  return pluginsOf(defaultProfileConfiguration(), dependencies).configured;
}
