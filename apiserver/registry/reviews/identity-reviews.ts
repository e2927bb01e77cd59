/**
 * Reviews of identity: who am I, and whose token is this? Nothing is stored.
 * Source: kubernetes pkg/registry/authentication, v1.36.
 */

import {
  pods,
  secrets,
  selfsubjectreviews,
  serviceaccounts,
  tokenreviews,
} from '../../../proto/api/gen/resources.ts';
import { invalid } from '../../../proto/api/status-error.ts';
import { required } from '../../../proto/api/validation.ts';
import {
  type BoundObjects,
  DEFAULT_AUDIENCE,
  type ServiceAccountTokens,
} from '../../auth/service-account-tokens.ts';
import { objectAnswer } from '../../http/answer.ts';
import type { User } from '../../http/api-request.ts';
import type { VirtualResource } from '../api-definition.ts';
import type { ObjectAccess } from '../object-access.ts';

const BOUND = { pods, secrets, serviceaccounts } as const;

export function identityReviews(tokens: ServiceAccountTokens): readonly VirtualResource[] {
  return [selfReview, tokenReview(tokens)];
}

const selfReview: VirtualResource = {
  resource: selfsubjectreviews,
  async create({ body, request }) {
    return objectAnswer(201, { ...body, status: { userInfo: userInfo(request.user) } });
  },
};

function tokenReview(tokens: ServiceAccountTokens): VirtualResource {
  return {
    resource: tokenreviews,
    async create({ body, objects }) {
      const token = String(body.spec?.token ?? '');
      if (token === '') throw invalid(tokenreviews, '', [required('spec.token')]);
      const asked = body.spec?.audiences;
      const audiences = Array.isArray(asked) && asked.length > 0 ? asked.map(String) : undefined;
      const review = await tokens.verify(
        token,
        boundObjects(objects),
        audiences ?? [DEFAULT_AUDIENCE],
      );
      const status =
        review === undefined
          ? { authenticated: false, user: {}, error: 'invalid bearer token' }
          : { authenticated: true, user: userInfo(review.user), audiences: review.audiences };
      return objectAnswer(201, { ...body, status });
    },
  };
}

function boundObjects(objects: ObjectAccess): BoundObjects {
  return { uidOf: (kind, target) => objects.peek(BOUND[kind], target)?.metadata.uid };
}

function userInfo(user: User): object {
  const { name: username, uid, groups, extra } = user;
  return {
    username,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}
