/**
 * Acting as somebody else (`kubectl --as`): who may, says the authorizer by the verb `impersonate`.
 * Source: kubernetes.io "User impersonation"; kubernetes/apiserver pkg/endpoints/filters/impersonation.go, v0.36.
 */

import type { IncomingMessage } from 'node:http';
import { badRequest } from '../../proto/api/status-error.ts';
import type { User } from '../http/api-request.ts';
import { type Authorizer, denial } from './authorize.ts';

const EXTRA = 'impersonate-extra-';

/** The user whom the headers name, or the sender when they name none. Throws Forbidden, BadRequest. */
export function impersonated(
  sender: User,
  headers: IncomingMessage['headersDistinct'],
  authorizer: Authorizer,
): User {
  const [name = ''] = headers['impersonate-user'] ?? [];
  const groups = headers['impersonate-group'] ?? [];
  const [uid] = headers['impersonate-uid'] ?? [];
  const extra = Object.entries(headers).filter(([header]) => header.startsWith(EXTRA));
  if (name === '') {
    if (groups.length === 0 && uid === undefined && extra.length === 0) return sender;
    throw badRequest('groups, uid or extra were to be impersonated without a user');
  }
  const check = (plural: string, what: string): void => {
    const attributes = {
      kind: 'resource',
      user: sender,
      verb: 'impersonate',
      group: plural === 'uids' || plural.startsWith('userextras') ? 'authentication.k8s.io' : '',
      plural,
      subresource: '',
      namespace: '',
      name: what,
    } as const;
    const decision = authorizer.authorize(attributes);
    if (!decision.isAllowed) throw denial(attributes, decision.reason);
  };
  check('users', name);
  for (const group of groups) check('groups', group);
  if (uid !== undefined) check('uids', uid);
  for (const [header, values = []] of extra) {
    for (const value of values) check(`userextras/${header.slice(EXTRA.length)}`, value);
  }
  return {
    name,
    groups: withAuthenticated(name, groups),
    ...(uid === undefined ? {} : { uid }),
    ...(extra.length === 0
      ? {}
      : {
          extra: Object.fromEntries(
            extra.map(([header, values = []]) => [
              decodeURIComponent(header.slice(EXTRA.length)),
              values,
            ]),
          ),
        }),
  };
}

/** Groups that everybody of a sort has, whether they are named or not. */
function withAuthenticated(name: string, groups: readonly string[]): readonly string[] {
  if (name === 'system:anonymous') return [...groups, 'system:unauthenticated'];
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
  const own =
    groups.length === 0 && account !== null
      ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`]
      : groups;
  return [...new Set([...own, 'system:authenticated'])];
}
