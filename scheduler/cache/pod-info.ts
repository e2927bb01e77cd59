/** A pod with what the scheduler derives from it, computed once. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { type AffinityTerms, affinityTermsOf } from './affinity-terms.ts';
import { type HostPort, hostPortsOf } from './host-ports.ts';
import { podRequests } from './pod-requests.ts';
import type { Resources } from './resources.ts';

export interface PodInfo {
  readonly pod: Pod;
  readonly requests: Resources;
  readonly nonZeroRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: AffinityTerms;
}

export function newPodInfo(pod: Pod): PodInfo {
  const { requests, nonZero } = podRequests(pod);
  return {
    pod,
    requests,
    nonZeroRequests: nonZero,
    hostPorts: hostPortsOf(pod),
    affinity: affinityTermsOf(pod),
  };
}
