/**
 * Reviews of access: may somebody do something? Answered by the same authorizer that decides about
 * requests; nothing is stored.
 * Source: kubernetes pkg/registry/authorization, pkg/apis/authorization/validation, v1.36.
 */

import type {
  NonResourceAttributes,
  ResourceAttributes,
} from '../../../proto/api/gen/authorization-v1.ts';
import {
  localsubjectaccessreviews,
  selfsubjectaccessreviews,
  selfsubjectrulesreviews,
  subjectaccessreviews,
} from '../../../proto/api/gen/resources.ts';
import type { Resource } from '../../../proto/api/resource.ts';
import { badRequest, invalid } from '../../../proto/api/status-error.ts';
import { invalidField } from '../../../proto/api/validation.ts';
import type { AuthorizationAttributes, Authorizer } from '../../auth/authorize.ts';
import { type Answer, objectAnswer } from '../../http/answer.ts';
import type { User } from '../../http/api-request.ts';
import type { VirtualResource } from '../api-definition.ts';
import type { ApiObject } from '../strategy.ts';

/** What of a review's spec is asked; `user` and the rest only in reviews of others. */
interface ReviewSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
}

type Subject = (spec: ReviewSpec, sender: User) => User;

export function accessReviews(authorizer: Authorizer): readonly VirtualResource[] {
  return [
    accessReview(selfsubjectaccessreviews, authorizer, (_spec, sender) => sender),
    accessReview(subjectaccessreviews, authorizer, subjectOf),
    localAccessReview(authorizer),
    rulesReview(authorizer),
  ];
}

function accessReview(
  resource: Resource,
  authorizer: Authorizer,
  subject: Subject,
): VirtualResource {
  return {
    resource,
    create: async ({ body, request }) => answer(resource, authorizer, body, request.user, subject),
  };
}

function localAccessReview(authorizer: Authorizer): VirtualResource {
  const resource = localsubjectaccessreviews;
  return {
    resource,
    async create({ body, request, target }) {
      const asked = specOf(body).resourceAttributes?.namespace ?? '';
      if (asked !== (target.namespace ?? '')) {
        throw badRequest('spec.resourceAttributes.namespace must match metadata.namespace');
      }
      return answer(resource, authorizer, body, request.user, subjectOf);
    },
  };
}

/** What the sender may do at all; there is all or nothing until roles are looked at. */
function rulesReview(authorizer: Authorizer): VirtualResource {
  return {
    resource: selfsubjectrulesreviews,
    async create({ body, request }) {
      const everything: AuthorizationAttributes = {
        kind: 'resource',
        user: request.user,
        verb: '*',
        group: '*',
        plural: '*',
        subresource: '',
        namespace: String(body.spec?.namespace ?? ''),
        name: '',
      };
      const { isAllowed } = authorizer.authorize(everything);
      const all = ['*'];
      const reading = { verbs: ['get'], nonResourceURLs: ['/api/*', '/apis/*', '/version'] };
      const status = isAllowed
        ? {
            resourceRules: [{ verbs: all, apiGroups: all, resources: all }],
            nonResourceRules: [{ verbs: all, nonResourceURLs: all }],
            incomplete: false,
          }
        : { resourceRules: [], nonResourceRules: [reading], incomplete: false };
      return objectAnswer(201, { ...body, status });
    },
  };
}

function answer(
  resource: Resource,
  authorizer: Authorizer,
  body: ApiObject,
  sender: User,
  subject: Subject,
): Answer {
  const spec = specOf(body);
  const asked = attributesOf(resource, spec, subject(spec, sender));
  const { isAllowed, reason } = authorizer.authorize(asked);
  const status = { allowed: isAllowed, ...(reason === '' ? {} : { reason }) };
  return objectAnswer(201, { ...body, status });
}

function specOf(body: ApiObject): ReviewSpec {
  // A decoded body has the type that its kind says.
  return (body.spec ?? {}) as ReviewSpec;
}

function subjectOf(spec: ReviewSpec): User {
  return { name: spec.user ?? '', groups: spec.groups ?? [], uid: spec.uid ?? '' };
}

function attributesOf(resource: Resource, spec: ReviewSpec, user: User): AuthorizationAttributes {
  const { resourceAttributes: object, nonResourceAttributes: path } = spec;
  if (object !== undefined && path === undefined) {
    return {
      kind: 'resource',
      user,
      verb: object.verb ?? '',
      group: object.group ?? '',
      plural: object.resource ?? '',
      subresource: object.subresource ?? '',
      namespace: object.namespace ?? '',
      name: object.name ?? '',
    };
  }
  if (object === undefined && path !== undefined) {
    return { kind: 'path', user, verb: path.verb ?? '', path: path.path ?? '' };
  }
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  throw invalid(resource, '', [invalidField('spec.resourceAttributes', object, why)]);
}
