/**
 * Who may do what. For now: the cluster's own components and its administrators everything, everybody
 * who is known discovery and questions about themselves, the unknown only health and version.
 * Roles and bindings are stored but not looked at; RBAC takes this place, behind the same interface.
 */

import { newApiError } from '../../proto/api/status-error.ts';
import type { User } from '../http/api-request.ts';

/** Source: kubernetes/apiserver pkg/authorization/authorizer/interfaces.go, v0.36. */
export type AuthorizationAttributes =
  | {
      readonly kind: 'resource';
      readonly user: User;
      /** get, list, watch, create, update, patch, delete, deletecollection. */
      readonly verb: string;
      readonly group: string;
      readonly plural: string;
      /** Empty for the resource itself. */
      readonly subresource: string;
      /** Empty for cluster-scoped resources and for all namespaces. */
      readonly namespace: string;
      /** Empty for collections. */
      readonly name: string;
    }
  | {
      readonly kind: 'path';
      readonly user: User;
      /** The HTTP method in lower case. */
      readonly verb: string;
      readonly path: string;
    };

export type Decision =
  | { readonly isAllowed: true; readonly reason: string }
  | { readonly isAllowed: false; readonly reason: string };

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision;
}

const POWERFUL_GROUPS: ReadonlySet<string> = new Set(['system:masters', 'system:nodes']);
const POWERFUL_USERS: ReadonlySet<string> = new Set([
  'system:kube-scheduler',
  'system:kube-controller-manager',
]);

/** Paths that anybody may read, known or not. */
const PUBLIC_PATHS = /^\/(healthz|livez|readyz|version)(\/|$)/;
/** Paths that everybody who is known may read. Source: upstream's role system:discovery. */
const DISCOVERY_PATHS = /^\/(api|apis|openapi|\.well-known|openid)(\/|$)/;
/** Reviews that everybody may ask for about themselves. Source: upstream's role system:basic-user. */
const SELF_REVIEWS: ReadonlySet<string> = new Set([
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
  'selfsubjectreviews',
]);

export const builtinAuthorizer: Authorizer = {
  authorize(attributes) {
    const { user } = attributes;
    const isPowerful =
      POWERFUL_USERS.has(user.name) || user.groups.some((group) => POWERFUL_GROUPS.has(group));
    if (isPowerful) return { isAllowed: true, reason: '' };
    return isOpen(attributes) ? { isAllowed: true, reason: '' } : { isAllowed: false, reason: '' };
  },
};

function isOpen(attributes: AuthorizationAttributes): boolean {
  const isKnown = attributes.user.groups.includes('system:authenticated');
  if (attributes.kind === 'path') {
    if (attributes.verb !== 'get' && attributes.verb !== 'head') return false;
    return PUBLIC_PATHS.test(attributes.path) || (isKnown && DISCOVERY_PATHS.test(attributes.path));
  }
  return isKnown && attributes.verb === 'create' && SELF_REVIEWS.has(attributes.plural);
}

/** Upstream's sentence, as in `User "u" cannot list resource "pods" in API group "" …`. */
export function denialText(attributes: AuthorizationAttributes, reason: string): string {
  const who = `User "${attributes.user.name}" cannot ${attributes.verb}`;
  const tail = reason === '' ? '' : `: ${reason}`;
  if (attributes.kind === 'path') return `${who} path "${attributes.path}"${tail}`;
  const { plural, subresource, group, namespace } = attributes;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${who} resource "${resource}" in API group "${group}" ${scope}${tail}`;
}

/** The answer to a request that is not allowed. */
export function denial(attributes: AuthorizationAttributes, reason: string): Error {
  const text = denialText(attributes, reason);
  if (attributes.kind === 'path') {
    return newApiError(403, 'Forbidden', `forbidden: ${text}`, {});
  }
  const { plural, group, name } = attributes;
  const resource = group === '' ? plural : `${plural}.${group}`;
  const what = name === '' ? resource : `${resource} "${name}"`;
  const details = {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: plural,
  };
  return newApiError(403, 'Forbidden', `${what} is forbidden: ${text}`, details);
}
