/** The subresources and virtual resources that are served, besides `status`. */

import type { ApiDependencies, VirtualResource } from '../api-definition.ts';
import { accessReviews } from '../reviews/access-reviews.ts';
import { identityReviews } from '../reviews/identity-reviews.ts';
import type { Subresource } from '../subresource.ts';
import { namespaceFinalize } from './namespace-finalize.ts';
import { podBinding, podBindings } from './pod-binding.ts';
import { podEviction } from './pod-eviction.ts';
import { podExec } from './pod-exec.ts';
import { podLog } from './pod-log.ts';
import { podPortForward } from './pod-port-forward.ts';
import { refusedSubresources } from './refused.ts';
import { scaleSubresources } from './scale.ts';
import { serviceAccountToken } from './service-account-token.ts';

export function subresources(dependencies: ApiDependencies): readonly Subresource[] {
  const { kubeletClient: client, caPem, tokens } = dependencies;
  const credentials = { client, caPem };
  return [
    ...scaleSubresources,
    namespaceFinalize,
    podBinding,
    podEviction,
    podLog(credentials),
    podExec('exec', credentials),
    podExec('attach', credentials),
    podPortForward(credentials),
    ...refusedSubresources,
    serviceAccountToken(tokens),
  ];
}

export function virtualResources(dependencies: ApiDependencies): readonly VirtualResource[] {
  return [
    podBindings,
    ...accessReviews(dependencies.authorizer),
    ...identityReviews(dependencies.tokens),
  ];
}
