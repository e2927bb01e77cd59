/**
 * Users that are node agents.
 * Source: kubernetes pkg/auth/nodeidentifier/default.go, v1.36.
 */

import type { User } from '../http/api-request.ts';

const GROUP = 'system:nodes';
const PREFIX = 'system:node:';

/** The node whose agent this is; undefined for everybody else. */
export function nodeNameOf(user: User): string | undefined {
  if (!user.groups.includes(GROUP) || !user.name.startsWith(PREFIX)) return undefined;
  return user.name.slice(PREFIX.length);
}
