/**
 * Which pods belong together: those of the same Services and of the same ReplicaSet.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/helper/spread.go DefaultSelector, v1.36.
 */

import type { Informer } from '../client/informer.ts';
import type { ReplicaSet } from '../proto/api/gen/apps-v1.ts';
import type { Pod, Service } from '../proto/api/gen/core-v1.ts';
import {
  matchesLabels,
  type Requirement,
  requirementsOf,
  requirementsOfMap,
} from '../proto/api/label-selector.ts';
import { controllerOf } from '../proto/api/meta.ts';
import type { PeerSelector } from './plugins/pod-topology-spread/constraints.ts';

/** `services` has the index `namespace`. */
export function newPeerSelector(
  services: Pick<Informer<Service>, 'byIndex'>,
  replicaSets: Pick<Informer<ReplicaSet>, 'get'>,
): PeerSelector {
  return (pod: Pod) => {
    const namespace = pod.metadata.namespace ?? '';
    const requirements: Requirement[] = [];
    for (const { spec } of services.byIndex('namespace', namespace)) {
      const selector = spec.selector ?? {};
      if (Object.keys(selector).length === 0) continue;
      const ofService = requirementsOfMap(selector);
      if (matchesLabels(ofService, pod.metadata.labels)) requirements.push(...ofService);
    }
    const owner = controllerOf(pod);
    const set = replicaSets.get(`${namespace}/${owner?.name ?? ''}`);
    if (set !== undefined && set.metadata.uid === owner?.uid) {
      requirements.push(...requirementsOf(set.spec.selector));
    }
    return requirements.length === 0 ? undefined : requirements;
  };
}
